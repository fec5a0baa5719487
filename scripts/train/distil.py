"""Distillation (Reimers and Gurevych 2020): a translation gets the vector that the teacher gives to the English sentence."""

import numpy as np
import torch

import losses
import texts
import training

TRIMMED = 0.06  # the part of a batch that is taken for no translations


def distil(encoder, views: texts.Tokens, english: np.ndarray, teacher: np.ndarray, settings, checkpoint) -> dict:
    """Trains on `views`, whose English sentence is `english[i]`, towards `teacher[english[i]]`; the averaged weights."""
    run = training.Run(encoder, settings.distil_steps, settings.distil_rate, settings.seed, checkpoint, settings)
    rounds, epoch = [], 0
    while len(rounds) < settings.distil_steps:
        rounds += texts.batches(views.lengths, settings.distil_tokens, np.random.default_rng([settings.seed, epoch]))
        epoch += 1
    print(f"{len(views)} texts, {settings.distil_steps / (len(rounds) / epoch):.2f} times each", flush=True)

    def loss_of(step, _):
        batch = rounds[step]
        student = run.embed([views[index] for index in batch])
        goal = torch.from_numpy(teacher[english[batch]].astype(np.float32))
        near, like, rank = losses.of_teacher(student, goal, english[batch], TRIMMED, settings.dims)
        return near + 2 * like + 0.05 * rank, {"cosine": 1 - near.item(), "like": like.item(), "rank": rank.item()}

    return run.go(loss_of)
