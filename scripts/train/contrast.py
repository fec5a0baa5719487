"""The contrastive stages: retrieval, graded similarity and word order, with the teacher's vectors as a brake.

Passages of a retrieval step are neighbours of one another half of the time, so that the negatives are hard (topic-aware
sampling, Hofstätter et al. 2021), and those of former steps are remembered as further negatives (cross-batch memory, Wang
et al. 2020; a run that was broken off begins again without them).
"""

import collections
import dataclasses
import re

import numpy as np
import torch

import losses
import texts
import training
from sources import tidy



@dataclasses.dataclass(frozen=True)
class Plan:
    """What a round of training does, and how often."""

    cycle: tuple  # its steps, in order
    kinds: dict  # what a retrieval step asks passages for: shares
    groups: dict  # where the passages of a retrieval step come from: shares
    renamed: float  # how many retrieval steps put other names into questions and passages
    asked: float  # how many headlines are put as questions
    seed: int  # added to the run's


# All that the model is for.
BROAD = Plan(
    cycle=("retrieval", "graded", "retrieval", "translation"),
    kinds={"question": 0.2, "heading": 0.2, "title": 0.26, "sentence": 0.14, "mixed": 0.16, "half": 0.04},
    groups={"piaf": 0.35, "guide": 0.4, "labour": 0.05, "law": 0.2},
    renamed=0.0,
    asked=0.0,
    seed=1,
)
# Then questions and names, which the first round sees too little of: an encyclopedia has the names that laws lack.
SHARP = Plan(
    cycle=("retrieval", "translation", "retrieval", "graded", "retrieval", "translation"),
    kinds={"question": 0.45, "heading": 0.08, "title": 0.22, "sentence": 0.1, "mixed": 0.15},
    groups={"piaf": 0.5, "guide": 0.3, "labour": 0.05, "law": 0.15},
    renamed=0.25,
    asked=0.35,
    seed=2,
)

WORD = re.compile(r"[\w-]+(?:['’][\w-]+)?")
NAME = re.compile(r"(?<=[a-zà-ÿ,] )[A-ZÀ-Ý][a-zà-ÿ]{2,}(?:-[A-ZÀ-Ý][a-zà-ÿ]+)*\b")
OPENINGS = ("Qui", "Où", "Quel", "Quelle", "Quels", "Comment", "Pourquoi", "Que", "Qu'est-ce que", "Dans quel", "De quoi")


class Passages:
    """French passages with what asks for them."""

    def __init__(self, sections, questions, pairs, vectors: np.ndarray, plan: Plan):
        self.plan = plan
        self.texts = [section["text"] for section in sections]
        self.headings = [section["heading"] for section in sections]
        self.documents = np.unique([section["document"] for section in sections], return_inverse=True)[1]
        self.questions, self.vectors = questions, vectors.astype(np.float32)
        self.asked = {}
        for number, (_, passage, _) in enumerate(questions):
            self.asked.setdefault(passage, []).append(number)
        self.groups = {name: [] for name in plan.groups}
        for index, section in enumerate(sections):
            self.groups[section["document"].split()[0]].append(index)
        # A heading that stands over passages of several documents asks for none of them.
        self.last = [heading.split(" : ")[-1] for heading in self.headings]
        alone, last_alone = self._alone(self.headings), self._alone(self.last)
        self.headed = [index for index, heading in enumerate(self.headings) if len(heading) > 8 and heading in alone]
        self.shortened = [len(last) > 25 and last in last_alone for last in self.last]
        long = [row for row in pairs if row["lang"] == "fr" and 20 < len(row["text"]) < 300]
        # News has names, too: as many of its sentences as of all others.
        self.pairs = [[row for row in long if (row["source"] == "wmt-news") == news] for news in (True, False)]
        self.pairs = [rows for rows in self.pairs if rows]
        self.rarity = _rarity(self.texts)
        pools = {"question": self.asked, "heading": self.headed, "mixed": self.pairs}
        kinds = {kind: share for kind, share in plan.kinds.items() if pools.get(kind, True)}
        self.kinds = {kind: share / sum(kinds.values()) for kind, share in kinds.items()}
        names = {name for text in [*self.texts, *(row["text"] for row in long)] for name in NAME.findall(text)}
        # A capital alone tells little in laws: what is a common word, too, is no name.
        self.names = sorted(name for name in names if self.rarity.get(name.lower(), 9.0) > 5.0)

    def _alone(self, headings) -> set[str]:
        """Those that stand over passages of one document alone."""
        pairs = set(zip(headings, self.documents.tolist()))
        return {heading for heading, count in collections.Counter(heading for heading, _ in pairs).items() if count == 1}

    def draw(self, kind: str, count: int, rng) -> list[int]:
        """Passages for a step: at random, or neighbours of one of them."""
        groups = [name for name, members in self.groups.items() if members]
        share = np.array([self.plan.groups[name] for name in groups])
        group = self.groups[rng.choice(groups, p=share / share.sum())]
        pool = {"question": list(self.asked), "heading": self.headed}.get(kind, group)
        if rng.random() < 0.5 or len(pool) <= 4 * count:
            return [pool[index] for index in rng.choice(len(pool), min(count, len(pool)), replace=False)]
        pool = np.asarray(pool)
        near = np.argsort(-self.vectors[pool] @ self.vectors[pool[rng.integers(len(pool))]])[: 4 * count]
        return list(pool[rng.choice(near, count, replace=False)])

    def example(self, kind: str, index: int, rng) -> tuple[str, str]:
        """(query, passage) of one kind."""
        text = self.texts[index]
        if kind == "question":
            query, _, answer = self.questions[rng.choice(self.asked[index])]
            # Anywhere around the answer, so that nothing is learnt from where it stands.
            start = max(0, answer - int(rng.integers(20, 500)))
            return query, text[_word(text, start) :]
        if kind == "heading":
            short = self.shortened[index] and rng.random() < 0.3
            return (self.last if short else self.headings)[index], text
        sentences = [sentence for sentence in re.split(r"(?<=[.!?;])\s+", text) if len(sentence) > 25]
        if kind == "half" and len(sentences) > 3:
            middle = len(sentences) // 2
            return " ".join(sentences[:middle]), " ".join(sentences[middle:])
        if len(sentences) < 2:
            return self.title(text, rng), text
        at = int(rng.integers(min(4, len(sentences))))
        rest = text if rng.random() < 0.3 else " ".join(sentences[:at] + sentences[at + 1 :])
        if kind == "sentence":
            return sentences[at], rest
        query = self.title(sentences[at], rng)
        if self.plan.asked and rng.random() < self.plan.asked:
            query = self.asking(query, rng)
        return query, rest

    def asking(self, title: str, rng) -> str:
        """A headline as a question of people who do not write whole sentences: "Quand prise Bastille ?"."""
        number = re.search(r"\b\d[\d., ]*", title)
        if not number or len(title) - len(number[0]) < 15:
            return f"{rng.choice(OPENINGS)} {title} ?"
        year = re.fullmatch(r"1\d{3}|20\d{2}", number[0].strip())
        rest = tidy(title[: number.start()] + title[number.end() :])
        return f"{rng.choice(['Quand', 'En quelle année', 'À quelle date']) if year else 'Combien'} {rest} ?"

    def renamed(self, examples, rng):
        """Each example with other names in question and passage, consistently: (examples, which are told apart by them)."""
        out, told = [], []
        for query, text in examples:
            found = [name for name in dict.fromkeys(NAME.findall(text)) if rng.random() < 0.8]
            other = {name: self.names[rng.integers(len(self.names))] for name in found}
            if not other:
                out.append((query, text))
                told.append(False)
                continue
            any_of = re.compile(r"\b(?:" + "|".join(re.escape(name) for name in sorted(other, key=len, reverse=True)) + r")\b")
            put = lambda given: any_of.sub(lambda match: other[match[0]], given)
            out.append((put(query), put(text)))
            told.append(out[-1][0] != query)
        return out, np.array(told)

    def title(self, sentence: str, rng) -> str:
        """The telling words of a sentence in their order, as a headline or a search has them."""
        words = WORD.findall(sentence)[:40]
        keep = int(rng.integers(4, 10))
        score = [self.rarity.get(word.lower(), 9.0) + rng.normal(0, 1.0) for word in words]
        best = sorted(sorted(range(len(words)), key=lambda i: -score[i])[:keep])
        return " ".join(words[index] for index in best) or sentence

    def mixed(self, count: int, rng):
        """Passages of unrelated sentences, each asked for by the translation of one, or its telling words."""
        for _ in range(count):
            pairs = self.pairs[rng.integers(len(self.pairs))]
            rows = [pairs[index] for index in rng.integers(len(pairs), size=rng.integers(2, 6))]
            wanted = rows[rng.integers(len(rows))]
            query = wanted["en"] if rng.random() < 0.4 else self.title(wanted["text"], rng)
            yield query, " ".join(row["text"] for row in rows)


def _word(text: str, start: int) -> int:
    """Where the word after `start` begins."""
    return 0 if start == 0 else text.find(" ", start) + 1


def _rarity(documents) -> dict[str, float]:
    counts = {}
    for text in documents:
        for word in set(WORD.findall(text.lower())):
            counts[word] = counts.get(word, 0) + 1
    return {word: float(np.log(len(documents) / count)) for word, count in counts.items()}


def swapped(text: str, rng) -> str | None:
    """The sentence with two of its telling words exchanged: the same words, another meaning (PAWS, Zhang et al. 2019)."""
    words = [match for match in re.finditer(r"\b(?:[A-ZÀ-Ý][\w-]{2,}|\d[\d.,]*|\w{6,})", text)]
    if len(words) < 3:
        return None
    capital = [match for match in words if match[0][0].isupper() or match[0][0].isdigit()]
    pool = capital if len(capital) >= 2 and rng.random() < 0.7 else words
    a, b = sorted(rng.choice(len(pool), 2, replace=False))
    a, b = pool[a], pool[b]
    if a[0].lower() == b[0].lower():
        return None
    return text[: a.start()] + b[0] + text[a.end() : b.start()] + a[0] + text[b.end() :]


def contrast(encoder, tokenizer, passages: Passages, graded, pairs, taught, steps, rate, settings, checkpoint) -> dict:
    """`taught`: what distillation saw: texts, which English sentence each is of, the teacher's vectors of those.

    Returns the averaged weights.
    """
    plan = passages.plan
    views, which, teacher = taught
    rounds = texts.batches(views.lengths, settings.translation_tokens, np.random.default_rng(settings.seed))
    run = training.Run(encoder, steps, rate, settings.seed + plan.seed, checkpoint, (plan, settings))
    remembered: list[tuple[torch.Tensor, np.ndarray]] = []
    languages = [lang for lang in graded if lang not in ("fr", "en")]

    def ids(rows, longest):
        tokenizer.enable_truncation(longest)
        return [encoding.ids for encoding in tokenizer.encode_batch(rows)]

    def retrieval(rng):
        kind = rng.choice(list(passages.kinds), p=list(passages.kinds.values()))
        renamed = passages.names and plan.renamed and kind != "heading" and rng.random() < plan.renamed
        count = settings.questions // 2 if renamed else settings.questions
        if kind == "mixed":
            examples = list(passages.mixed(count, rng))
            own = -1 - np.arange(count)
        else:
            drawn = passages.draw(kind, count, rng)
            examples = [passages.example(kind, index, rng) for index in drawn]
            own = passages.documents[drawn]
        if renamed:
            # The same text with other names is the hardest negative.
            (first, told), (second, other) = passages.renamed(examples, rng), passages.renamed(examples, rng)
            examples = first + second
            own = np.concatenate([own, own])
        queries = run.embed(ids([texts.damaged(query, rng) for query, _ in examples], settings.query_tokens))
        answers = run.embed(ids([text for _, text in examples], settings.passage_tokens))
        known = torch.cat([answers] + [vectors for vectors, _ in remembered])
        documents = np.concatenate([own] + [documents for _, documents in remembered])
        forbidden = torch.from_numpy(own[:, None] == documents[None])
        wanted = torch.arange(len(examples))
        forbidden[wanted, wanted] = False
        if renamed:
            clear = wanted[: len(first)][torch.from_numpy(told & other)]
            forbidden[clear, clear + len(first)] = forbidden[clear + len(first), clear] = False
        loss = losses.ranking(queries, known, wanted, settings.dims, forbidden)
        back = losses.ranking(answers, queries, wanted, settings.dims[-1:], forbidden[:, : len(examples)].T)
        if kind != "mixed" and not renamed:
            remembered.append((answers.detach(), own))
            while sum(len(documents) for _, documents in remembered) > settings.remembered:
                remembered.pop(0)
        return loss + 0.15 * back, kind

    def similarity(rng):
        rows = []
        for part, langs in ((0.45, ["fr"]), (0.25, ["en"]), (0.1, ["fr", "en"]), (0.2, languages)):
            for _ in range(int(settings.graded * part)):
                at = int(rng.integers(len(graded["fr"])))
                one, other = (graded[lang][at] for lang in rng.choice(langs, 2, replace=len(langs) != 2))
                rows.append((one[0], other[1], one[2]))
        count = len(rows)
        for at in rng.integers(len(pairs), size=settings.graded // 6):
            wrong = swapped(pairs[at]["text"], rng) if pairs[at]["lang"] == "fr" and len(pairs[at]["text"]) < 250 else None
            if wrong:
                rows += [(pairs[at]["text"], pairs[at]["en"], 1.0), (wrong, pairs[at]["en"], 0.0)]
                rows += [(pairs[at]["text"], wrong, 0.0)]
        vectors = run.embed(ids([row[side] for side in (0, 1) for row in rows], 96))
        first, second = vectors.chunk(2)
        grades = torch.tensor([row[2] for row in rows])
        loss = losses.cosent(first[:count], second[:count], grades[:count], settings.dims)
        order = losses.cosent(first[count:], second[count:], grades[count:], settings.dims[-1:])
        return 0.2 * loss + 0.025 * order, "graded"

    def translation(rng):
        drawn = rounds[rng.integers(len(rounds))]
        student = run.embed([views[index] for index in drawn])
        goal = torch.from_numpy(teacher[which[drawn]].astype(np.float32))
        near, like, rank = losses.of_teacher(student, goal, which[drawn], 0.05, settings.dims)
        return 3 * near + 2 * like + 0.15 * rank, "translation"

    def loss_of(step, rng):
        loss, name = {"retrieval": retrieval, "graded": similarity, "translation": translation}[
            plan.cycle[step % len(plan.cycle)]
        ](rng)
        return loss, {name: loss.item()}

    return run.go(loss_of)
