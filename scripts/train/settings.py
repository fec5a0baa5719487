"""Every number that a run depends on. `SMOKE` is the same recipe on a handful of sentences, for `scripts/check`."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
    seed: int = 20261122
    threads: int = 2

    # Texts: translations taken of each source ("*": any other), open French passages taken of each package.
    pairs: dict = dataclasses.field(
        default_factory=lambda: {"hansard36": 90_000, "canada-laws": 15_000, "php": 10_000, "python": 10_000, "*": 10**9}
    )
    passages: int = 16_000

    # Vocabulary: pieces of French and English, and of all languages together.
    first_pieces: int = 32_000
    pieces: int = 46_000
    layers: int = 6

    # Alignment: iterations of IBM model 1, and the longest sentences (in pieces) that it looks at.
    alignment_rounds: int = 4
    alignment_length: int = 40

    # Distillation.
    distil_steps: int = 1_800
    distil_tokens: int = 6_144  # a batch, padding included
    distil_rate: float = 2e-4
    long_texts: int = 12_000  # texts of several sentences
    english_views: int = 60_000

    # Contrastive stages (the rounds are in contrast.py).
    fine_steps: int = 1_800
    fine_rate: float = 1e-4
    sharp_steps: int = 2_200
    sharp_rate: float = 1e-4
    questions: int = 48  # texts on each side of a retrieval step
    query_tokens: int = 48
    passage_tokens: int = 192
    graded: int = 128
    translation_tokens: int = 4_096  # of a translation step, padding included
    remembered: int = 768  # passages of former steps that serve as further negatives

    # The model is the mean of what these stages made, by these shares. (From the teacher, what it starts as has none.)
    blend: dict = dataclasses.field(default_factory=lambda: {"start": 0.35, "distilled": 0.2, "sharpened": 0.45})

    dims: tuple = (64, 128, 256, 384)


FULL = Settings()
SMOKE = Settings(
    pairs={"*": 60},
    passages=40,
    first_pieces=700,
    pieces=900,
    layers=2,
    alignment_rounds=2,
    distil_steps=4,
    distil_tokens=512,
    long_texts=8,
    english_views=20,
    fine_steps=4,
    sharp_steps=6,
    questions=8,
    passage_tokens=48,
    graded=8,
    translation_tokens=256,
    remembered=16,
)
