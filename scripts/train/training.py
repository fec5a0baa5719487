"""What the training stages share: steps with a schedule, an average of the last weights, checkpoints to go on from."""

import contextlib
import os
import shutil
import time
from pathlib import Path

import numpy as np
import torch

import network
import texts

EVERY = 100  # steps between two checkpoints, and between two lines of the log
PARTS = 4  # passes of one batch, by length
AVERAGED = 0.2  # the last part of the steps, whose weights are averaged


class Run:
    """Trains an encoder for a fixed number of steps. Step `n` sees the same batch whether or not the run was broken off.

    `recipe`: all else that the result depends on; a checkpoint of another recipe is refused.
    """

    def __init__(self, encoder: network.Encoder, steps: int, rate: float, seed: int, checkpoint: Path, recipe=""):
        self.encoder, self.steps, self.rate, self.seed, self.checkpoint = encoder, steps, rate, seed, checkpoint
        self.recipe = f"{steps} {rate} {seed} {recipe}"
        body = [parameter for name, parameter in encoder.named_parameters() if name != "words.weight"]
        # Rows of the word table are seen seldom, and may move faster.
        groups = [{"params": [encoder.words.weight], "times": 3.0}, {"params": body, "times": 1.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        self.average, self.averaged = None, 0
        self.forward = _compiled(encoder)

    def embed(self, rows) -> torch.Tensor:
        """Lists of token ids to unit vectors, [texts, dims], that carry gradients.

        Texts of like lengths pass together: padded to the longest of all, most of the work would be padding.
        """
        lengths = np.array([len(row) for row in rows])
        order = np.argsort(lengths, kind="stable")
        count = 1 if lengths.max() <= 1.25 * lengths.min() else min(PARTS, len(rows))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            parts = [
                self.forward(*texts.padded([rows[index] for index in part])).float()
                for part in np.array_split(order, count)
            ]
        return torch.cat(parts)[torch.from_numpy(np.argsort(order))]

    def go(self, loss_of) -> dict:
        """`loss_of(step, rng)` to (loss, {name: number to log}); the averaged weights."""
        step = self._resumed()
        log, since = {}, time.monotonic()
        while step < self.steps:
            rate = self.rate * min(1, (step + 1) / (0.05 * self.steps)) * max(0.02, 1 - step / self.steps)
            for group in self.optimizer.param_groups:
                group["lr"] = rate * group["times"]
            loss, numbers = loss_of(step, np.random.default_rng([self.seed, step]))
            if not torch.isfinite(loss):
                raise SystemExit(f"the loss of step {step} is {loss.item()}: {numbers}")
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
            self.optimizer.step()
            step += 1
            if step > self.steps * (1 - AVERAGED) and (step % 10 == 0 or step == self.steps):
                self._take()
            for name, number in numbers.items():
                log.setdefault(name, []).append(number)
            if step % EVERY == 0 or step == self.steps:
                means = "  ".join(f"{name} {np.mean(values):.4f}" for name, values in sorted(log.items()))
                print(f"step {step} of {self.steps}, {time.monotonic() - since:.0f} s: {means}", flush=True)
                log = {}
                self._save(step)
        return {name: mean.to(torch.float32) for name, mean in self.average.items()}

    def _take(self):
        self.averaged += 1
        weights = self.encoder.state_dict()
        if self.average is None:
            self.average = {name: weight.clone() for name, weight in weights.items()}
        else:
            for name, weight in weights.items():
                self.average[name].lerp_(weight, 1 / self.averaged)

    def _save(self, step):
        state = {
            "step": step,
            "recipe": self.recipe,
            "weights": self.encoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": self.average,
            "averaged": self.averaged,
        }
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def _resumed(self) -> int:
        if not self.checkpoint.exists():
            return 0
        state = torch.load(self.checkpoint)
        if state.get("recipe") != self.recipe:
            raise SystemExit(f"{self.checkpoint} is of a run with other settings: delete it to begin anew")
        self.encoder.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average, self.averaged = state["average"], state["averaged"]
        print(f"going on at step {state['step']}", flush=True)
        return state["step"]


def _compiled(encoder):
    """The encoder as torch's compiler makes it, a third faster, where there is a C++ compiler for it."""
    if os.environ.get("VOISIN_TRAIN_EAGER") or not shutil.which("g++"):
        return encoder
    torch._dynamo.config.cache_size_limit = 64
    return torch.compile(encoder, dynamic=True)


@contextlib.contextmanager
def inference():
    """No gradients, products in bf16."""
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        yield


def embed_all(encoder, tokens, budget=16_384) -> np.ndarray:
    """Unit vectors of many texts: [texts, dims] in f16."""
    encoder.eval()
    out = np.zeros((len(tokens), encoder.words.weight.shape[1]), np.float16)
    with inference():
        for batch in texts.batches(tokens.lengths, budget, np.random.default_rng(0)):
            out[batch] = encoder(*texts.padded([tokens[index] for index in batch])).float().numpy()
    return out
