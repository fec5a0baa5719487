"""Losses over unit vectors, each at several numbers of leading components (Matryoshka, Kusupati et al. 2022)."""

import torch
import torch.nn.functional as F


def shortened(vectors: torch.Tensor, dims: int) -> torch.Tensor:
    """The first `dims` components, of length 1 again."""
    return vectors if dims >= vectors.shape[1] else F.normalize(vectors[:, :dims], dim=-1)


def over(dims, loss):
    """The mean of `loss(n)` over numbers of components; the whole vector counts as much as the others together."""
    *shorter, whole = (loss(n) for n in dims)
    return (whole + sum(shorter) / len(shorter)) / 2 if shorter else whole


def likeness(student: torch.Tensor, teacher: torch.Tensor, dims) -> torch.Tensor:
    """Similarities inside a batch follow the teacher's."""
    theirs = teacher @ teacher.T
    return over(dims, lambda n: (shortened(student, n) @ shortened(student, n).T - theirs).square().mean())


def ranking(queries, passages, wanted, dims, forbidden=None, scale=20.0):
    """InfoNCE (van den Oord et al. 2018): passage `wanted[i]` is the answer of query `i`, all others are not.

    `forbidden`: [queries, passages], true where a passage may answer, too.
    """

    def at(n):
        scores = shortened(queries, n) @ shortened(passages, n).T * scale
        if forbidden is not None:
            scores = scores.masked_fill(forbidden, -1e4)
        return F.cross_entropy(scores, wanted)

    return over(dims, at)


def of_teacher(student, goal, sentences, trimmed: float, dims):
    """How far `student` is from the teacher's vectors `goal`: (1 - cosine, likeness, ranking).

    The worst part of the batch, `trimmed`, counts in the ranking alone: pairs whose sides are no translations of each other.
    `sentences`: which English sentence each row is of; the same one may be there twice.
    """
    cosine = (student * goal).sum(1)
    kept = cosine.detach() >= cosine.detach().quantile(trimmed)
    same = torch.from_numpy(sentences[:, None] == sentences[None])
    same.fill_diagonal_(False)
    rank = ranking(student, goal, torch.arange(len(sentences)), dims[-1:], same)
    return (1 - cosine)[kept].mean(), likeness(student[kept], goal[kept], dims), rank


def cosent(first, second, grades, dims, scale=20.0):
    """CoSENT (Su 2022): of two pairs, the one with the higher grade has the higher cosine."""
    higher = grades[:, None] < grades[None]

    def at(n):
        cosine = (shortened(first, n) * shortened(second, n)).sum(1) * scale
        difference = (cosine[:, None] - cosine[None]).masked_fill(~higher, -1e4)
        return torch.logsumexp(F.pad(difference.flatten(), (1, 0)), 0)

    return over(dims, at)
