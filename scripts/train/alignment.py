"""Word vectors for new pieces, from translations.

IBM model 1 (Brown et al. 1993) says which English pieces a piece of another language stands beside; the mean of their
vectors, weighted by its probabilities, is where the new piece begins. That start is worth hours of training.
"""

import numpy as np
import torch


def translations(pairs, rounds: int):
    """`pairs`: (new ids, known ids) of each sentence. Probabilities p(new | known) as sorted arrays (new, known, p)."""
    new, known, sentence, width = [], [], [], []
    for index, (a, b) in enumerate(pairs):
        new.append(np.repeat(a, len(b)))
        known.append(np.tile(b, len(a)))
        # Each place of the new side shares out one count among the known pieces of its sentence.
        sentence.append(np.repeat(np.arange(len(a)), len(b)) + sum(width[-1:], 0))
        width.append(sum(width[-1:], 0) + len(a))
    new, known, place = (np.concatenate(each).astype(np.int64) for each in (new, known, sentence))
    key, cell = np.unique(new << 32 | known, return_inverse=True)
    new, known = key >> 32, key & 0xFFFFFFFF
    probability = np.full(len(key), 1.0 / len(np.unique(new)))
    for _ in range(rounds):
        share = probability[cell]
        share /= np.bincount(place, share)[place]
        count = np.bincount(cell, share, len(key))
        probability = count / np.bincount(known, count)[known]
    # What training needs is p(known | new), of which `count` holds the numerators.
    return new, known, count / np.bincount(new, count)[new]


def vectors(pieces: list[str], table: dict[str, np.ndarray], aligned, copy: float, anchor_pieces: list[str], spell):
    """A vector for each piece.

    `table`: the vectors of the known pieces. `aligned`: what `translations` gives, known ids being places in
    `anchor_pieces`. `copy`: the weight of the vector of the known piece spelled alike, where there is an alignment too.
    `spell`: text to known pieces, for what has neither. Returns ([pieces, hidden], how many came from where).
    """
    known = np.stack([table[piece] for piece in anchor_pieces])
    mean = known.mean(0)
    out, come = np.empty((len(pieces), known.shape[1]), np.float32), {"copied": 0, "both": 0, "aligned": 0, "spelled": 0}
    new, old, probability = aligned
    start, stop = np.searchsorted(new, np.arange(len(pieces))), np.searchsorted(new, np.arange(len(pieces)), "right")
    for index, piece in enumerate(pieces):
        best = np.argsort(-probability[start[index] : stop[index]])[:8] + start[index]
        best = best[probability[best] > 0.02]
        same = table.get(piece)
        if same is not None and (copy == 1 or not len(best)):
            out[index], came = same, "copied"
        elif len(best):
            weight = probability[best] / probability[best].sum()
            out[index] = weight @ known[old[best]]
            came = "aligned"
            if same is not None:
                out[index], came = copy * same + (1 - copy) * out[index], "both"
        else:
            parts = [table[part] for part in spell(piece.removeprefix("##")) if part in table]
            out[index], came = np.mean(parts, 0) if parts else mean, "spelled"
        come[came] += 1
    return torch.from_numpy(out), come
