"""Texts as token ids, and how texts are damaged on purpose."""

import re

import numpy as np
import torch


class Tokens:
    """Many texts as ids, one after the other."""

    def __init__(self, ids: np.ndarray, ends: np.ndarray):
        self.ids, self.ends = ids, ends
        self.lengths = np.diff(ends, prepend=0)

    @classmethod
    def of(cls, tokenizer, texts, longest: int, block=20_000):
        tokenizer.enable_truncation(longest)
        parts, lengths = [], []
        for start in range(0, len(texts), block):
            for encoding in tokenizer.encode_batch(texts[start : start + block]):
                parts.append(np.array(encoding.ids, np.int32))
                lengths.append(len(parts[-1]))
        return cls(np.concatenate(parts), np.cumsum(lengths))

    def __len__(self):
        return len(self.ends)

    def __getitem__(self, index):
        return self.ids[self.ends[index] - self.lengths[index] : self.ends[index]]


def padded(rows) -> tuple[torch.Tensor, torch.Tensor]:
    """Lists of ids to (ids [texts, tokens], lengths [texts])."""
    lengths = torch.tensor([len(row) for row in rows])
    ids = torch.zeros(len(rows), int(lengths.max()), dtype=torch.long)
    for line, row in zip(ids, rows):
        line[: len(row)] = torch.as_tensor(np.asarray(row, np.int64))
    return ids, lengths


def batches(lengths: np.ndarray, tokens: int, rng) -> list[np.ndarray]:
    """Indices in batches of texts of like lengths, at most `tokens` with padding, in random order."""
    order = rng.permutation(len(lengths))
    order = order[np.argsort(lengths[order], kind="stable")]
    out, start = [], 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and lengths[order[stop]] * (stop + 1 - start) <= tokens:
            stop += 1
        out.append(order[start:stop])
        start = stop
    rng.shuffle(out)
    return out


# Other ways in which French, English and German texts write the same foreign name; one is taken by chance.
SPELLINGS = [
    ("ou", "u"), ("ch", "sh"), ("tch", "ch"), ("dj", "j"), ("kh", "h"), ("kh", "k"), ("y", "i"), ("i", "y"), ("ï", "i"),
    ("ine", "in"), ("ev", "iev"), ("w", "v"), ("v", "w"), ("k", "c"), ("q", "k"), ("gu", "g"), ("ai", "ay"), ("ei", "ey"),
]  # fmt: skip


def respelled(text: str, rng) -> str:
    """The text with one capitalised word spelled as another language might."""
    words = [match for match in re.finditer(r"(?<!^)\b[A-ZÉÈ][\w]{4,}", text)]
    if not words:
        return text
    word = words[rng.integers(len(words))]
    spelled = word[0]
    for old, new in rng.permutation(SPELLINGS):
        if old in spelled[1:]:
            spelled = spelled[0] + spelled[1:].replace(old, new, 1)
            break
    return text[: word.start()] + spelled + text[word.end() :]


def mistyped(text: str, rng) -> str:
    """The text with a slip: a letter lost, doubled or exchanged, an apostrophe, a hyphen or the punctuation gone."""
    kind = rng.integers(6)
    if kind == 4:
        return re.sub("['’]", " " if rng.random() < 0.5 else "", text)
    if kind == 5:
        return re.sub(r"[-,;:.!?«»\"]", " ", text)
    places = [match.start() + 1 for match in re.finditer(r"\w{5,}", text)]
    if not places:
        return text
    at = int(places[rng.integers(len(places))] + rng.integers(3))
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def damaged(text: str, rng) -> str:
    """Now and then a slip or another spelling of a name. (Case and accents are folded by the vocabulary.)"""
    chance = rng.random()
    if chance < 0.06:
        return mistyped(text, rng)
    return respelled(text, rng) if chance < 0.16 else text
