"""What each client asks of a server, and what has to come back. `run` starts this."""

import asyncio
import base64
import json
import sys
import threading
import time
import traceback
from importlib.metadata import version
from pathlib import Path

import cohere
import numpy as np
import openai
from cohere.core.api_error import ApiError
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

TASK = json.loads(Path(sys.argv[1]).read_text())
URL, BUSY, TEXTS = TASK["url"], TASK["busy"], TASK["texts"]
VECTORS = np.array(TASK["vectors"], dtype=np.float32)
SHORT = np.array(TASK["short"], dtype=np.float32)
LONG = "".join(f"Le conseil municipal a voté mardi la {at}e mesure de son plan pour le logement. " for at in range(60))

CHECKS = []


def check(what):
    CHECKS.append(what)
    return what


def same(found, expected):
    """Bit for bit."""
    found = np.asarray(found, dtype=np.float32)
    assert found.shape == expected.shape, (found.shape, expected.shape)
    assert (found == expected).all(), np.abs(found - expected).max()


def close(found, expected):
    """Up to rounding: the server cuts vectors of unit length, `--dims` cuts before they are brought to it."""
    found = np.asarray(found, dtype=np.float32)
    assert found.shape == expected.shape, (found.shape, expected.shape)
    assert np.abs(found - expected).max() < 1e-6


def refused(kind, call, *words):
    """The error that a call ends with."""
    try:
        call()
    except kind as error:
        assert all(word in str(error) for word in words), error
        return error
    raise AssertionError(f"not refused: {words}")


def openai_client(url=URL, **more):
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", **more)


@check
def openai_embeds():
    create = openai_client().embeddings.create
    answer = create(model="text-embedding-3-small", input=TEXTS)
    same([item.embedding for item in answer.data], VECTORS)
    assert [item.index for item in answer.data] == list(range(len(TEXTS)))
    assert answer.model == "voisin-mini" and answer.usage.total_tokens == answer.usage.prompt_tokens > 20
    same(create(model="m", input=TEXTS[1]).data[0].embedding, VECTORS[1])
    same([item.embedding for item in create(model="m", input=TEXTS, encoding_format="float").data], VECTORS)
    close([item.embedding for item in create(model="m", input=TEXTS, dimensions=128).data], SHORT)


@check
def openai_async_embeds():
    async def all_at_once():
        client = openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key="none")
        answers = [client.embeddings.create(model="m", input=TEXTS[at % len(TEXTS)]) for at in range(64)]
        return [answer.data[0].embedding for answer in await asyncio.gather(*answers)]

    same(asyncio.run(all_at_once()), np.array([VECTORS[at % len(TEXTS)] for at in range(64)]))


@check
def openai_says_what_was_too_long():
    create = openai_client().embeddings.with_raw_response.create
    pooled = create(model="m", input=[TEXTS[0], LONG])
    passages = pooled.parse().model_extra["voisin"]["pooled"][0]
    assert passages["index"] == 1 and int(pooled.headers["x-voisin-pooled-passages"]) == passages["passages"] > 2
    cut = create(model="m", input=LONG, extra_body={"long_inputs": "truncate"})
    dropped = cut.parse().model_extra["voisin"]["truncated"][0]["dropped_tokens"]
    assert int(cut.headers["x-voisin-truncated-tokens"]) == dropped > 100
    reject = lambda: create(model="m", input=LONG, extra_body={"long_inputs": "reject"})
    refused(openai.BadRequestError, reject, "tokens, the model takes")


@check
def openai_knows_the_errors():
    client = openai_client()
    embed = lambda given, **more: lambda: client.embeddings.create(model="m", input=given, **more)
    error = refused(openai.BadRequestError, embed(""), "is empty")
    assert (error.type, error.code, error.param) == ("invalid_request_error", "empty", None)
    refused(openai.BadRequestError, embed([[1, 2, 3]]), "token ids")
    refused(openai.BadRequestError, embed("a", dimensions=1000), "expected 1 to 384")
    refused(openai.BadRequestError, embed(["a"] * 3000), "the limit is 2048")
    refused(openai.NotFoundError, lambda: client.models.retrieve("gpt-9"), "voisin-mini")


@check
def openai_lists_the_model():
    client = openai_client()
    (model,) = client.models.list().data
    assert client.models.retrieve(model.id) == model and model.created > 1_700_000_000


@check
def openai_comes_again():
    """While more waits than the line holds, requests are refused, and clients come again by themselves."""
    crowd = [f"{at} " + "Le conseil municipal a voté mardi son plan pour le logement. " * 18 for at in range(1900)]
    outcome = []

    def flood():
        # More than the line holds is let in when nothing waits.
        while not outcome or isinstance(outcome[-1], openai.RateLimitError):
            ask = lambda: openai_client(BUSY, max_retries=0).embeddings.create(model="m", input=crowd)
            outcome.append(refused(openai.APIStatusError, ask))

    thread = threading.Thread(target=flood)
    thread.start()
    seen = None
    while seen is None and thread.is_alive():
        time.sleep(0.05)
        try:
            openai_client(BUSY, max_retries=0).embeddings.create(model="m", input=TEXTS[0])
        except openai.RateLimitError as error:
            seen = error
    assert seen is not None, f"nothing was refused, and the crowd ended with {outcome}"
    assert seen.type == "rate_limit_error" and int(seen.response.headers["retry-after"]) >= 1
    same(openai_client(BUSY, max_retries=8).embeddings.create(model="m", input=TEXTS).data[0].embedding, VECTORS[0])
    thread.join()
    assert outcome[-1].status_code in (503, 504), outcome


@check
def hub_extracts_features():
    for address in (URL, f"{URL}/embed"):
        client = InferenceClient(address)
        same(client.feature_extraction(TEXTS[0]), VECTORS[:1])
        same(client.feature_extraction(TEXTS), VECTORS)
        close(client.feature_extraction(TEXTS, dimensions=128), SHORT)
        same(client.feature_extraction(TEXTS, normalize=True, truncate=True, truncation_direction="right"), VECTORS)
        same(client.feature_extraction(TEXTS, prompt_name="passage"), VECTORS)
        assert client.feature_extraction(LONG, truncate=True).shape == (1, 384)


@check
def hub_compares_sentences():
    found = InferenceClient(f"{URL}/similarity").sentence_similarity(TEXTS[0], TEXTS[1:])
    assert np.abs(np.array(found) - VECTORS[1:] @ VECTORS[0]).max() < 1e-6


@check
def hub_knows_the_errors():
    extract = InferenceClient(URL).feature_extraction
    error = refused(HfHubHTTPError, lambda: extract(LONG, truncate=False))
    assert error.response.status_code == 413 and error.response.json()["error_type"] == "Validation"
    error = refused(HfHubHTTPError, lambda: extract(""))
    assert error.response.status_code == 400 and error.response.json()["error_type"] == "Empty"
    error = refused(HfHubHTTPError, lambda: extract(TEXTS, truncation_direction="left"))
    assert "right" in error.response.json()["error"]


@check
def hub_asks_what_is_served():
    info = InferenceClient(URL, provider="hf-inference").get_endpoint_info()
    assert info["model_id"] == "voisin-mini" and info["max_input_length"] == 256
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}


def cohere_client():
    return cohere.ClientV2(base_url=URL, api_key="none")


@check
def cohere_embeds():
    embed = lambda **more: cohere_client().embed(model="embed-v4.0", input_type="search_document", **more)
    answer = embed(texts=TEXTS, embedding_types=["float", "int8", "uint8", "binary", "ubinary", "base64"])
    forms = answer.embeddings
    same(forms.float_, VECTORS)
    same([np.frombuffer(base64.b64decode(text), dtype="<f4") for text in forms.base64], VECTORS)
    assert (np.array(forms.ubinary) == np.packbits(VECTORS > 0, axis=1)).all()
    assert (np.array(forms.binary) == np.packbits(VECTORS > 0, axis=1).astype(int) - 128).all()
    narrow = np.array(forms.int8, dtype=np.float32)
    assert (np.abs(narrow).max(axis=1) == 127).all() and (np.array(forms.uint8) - 128 == narrow).all()
    assert ((narrow * VECTORS).sum(axis=1) / np.linalg.norm(narrow, axis=1)).min() > 0.999
    assert answer.texts == TEXTS and answer.meta.billed_units.input_tokens > 20 and answer.id
    inputs = [{"content": [{"type": "text", "text": text}]} for text in TEXTS]
    close(embed(inputs=inputs, output_dimension=128).embeddings.float_, SHORT)
    warned = embed(texts=[LONG], truncate="END").meta.warnings
    assert len(warned) == 1 and "tokens" in warned[0], warned


@check
def cohere_knows_the_errors():
    embed = lambda **more: lambda: cohere_client().embed(model="m", **more)
    for more, words in [
        ({"texts": [LONG], "input_type": "clustering", "truncate": "NONE"}, "the model takes"),
        ({"texts": ["a"], "input_type": "clustering", "truncate": "START"}, "END"),
        ({"texts": [], "input_type": "clustering"}, "no text"),
        ({"images": ["data:image/png;base64,AA=="], "input_type": "image"}, "images"),
    ]:
        error = refused(ApiError, embed(**more))
        assert error.status_code == 400 and words in error.body["message"], error


@check
def cohere_ranks():
    answer = cohere_client().rerank(model="rerank-v3.5", query="inondation", documents=TEXTS, top_n=2)
    assert [result.index for result in answer.results][0] == 0 and len(answer.results) == 2
    assert all(0 <= result.relevance_score <= 1 for result in answer.results)


def main():
    print(", ".join(f"{name} {version(name)}" for name in ("openai", "huggingface_hub", "cohere")))
    failed = 0
    for what in CHECKS:
        try:
            what()
            print(f"passed  {what.__name__}")
        except Exception:
            failed += 1
            print(f"FAILED  {what.__name__}\n{traceback.format_exc()}")
    sys.exit(failed > 0)


main()
