#!/usr/bin/env python3.11
"""Makes the parity fixtures: tiny models with random weights, and what sentence-transformers answers with them.

Each folder of tests/fixtures/golden/ is one model directory as sentence-transformers saves it, plus a golden.json with
the token ids and the embedding of every text of TEXTS. The Rust tests load the same directory and must find the same
ids exactly and the same vectors within a tolerance. The weights mean nothing: the fixtures say nothing about quality.
Folders whose names begin with cross- are cross-encoders, whose golden.json has a score for every pair of a query and a
passage.

No network and no downloaded model: the tokenizers are trained on CORPUS below, the weights are drawn from SEED.
Making them twice gives the same bytes; on another machine only the last digits of the embeddings may move.

    python3.11 -m venv golden-venv
    golden-venv/bin/pip install sentence-transformers==6.2.0 transformers==5.23.0 torch==2.15.0 \
        tokenizers==0.23.3 safetensors==0.8.0 numpy==2.4.6
    golden-venv/bin/python scripts/make-golden.py            # writes tests/fixtures/golden/
    golden-venv/bin/python scripts/make-golden.py --check    # makes them elsewhere and compares

Other versions are refused, because the layout on disk depends on them; the list above is the one that is checked.

Choices a reader may wonder about:
 1. Vocabularies come from the library's BPE trainer only. Its WordPiece and Unigram trainers walk hash maps and give
    another vocabulary at each run, so both are derived here from BPE pieces (see `wordpiece_vocab`, `unigram_vocab`).
 2. Weights are integers divided by 4096 (exact in f32, and in f16 below 0.5), from numpy's frozen RandomState stream,
    one seed per tensor name: no libm, no dependence on the order of the tensors or on the other models.
 3. Weights kept in f16 are widened to f32 before computing: the reference is f32 arithmetic everywhere.
 4. `bert-prefixed` has the layout of sentence-transformers 2 (most models on the hub have it), written by hand, since
    version 6 reads it and no longer writes it. So has `static`, a table of word vectors in a folder of its own.
 5. The rotary families have texts longer than 128 tokens, which is the block in which the Rust side takes queries, and
    windows far shorter than that.
 6. `model2vec` has the layout of that library, whose own answer it is: sentence-transformers looks the rows up, but
    unknown tokens are left out here before it does, and texts are cut at 512 tokens.
 7. Cross-encoders come in the layouts that are on the hub: as sentence-transformers 6 saves them, with modules, and as
    transformers does, without; the activation in each of the three places where it was ever kept. Of 2 labels, the score
    is the softmax of the second, since sentence-transformers ranks by 1 label only.
"""

import os

# Before the imports that read them: one thread makes sums reproducible, offline makes a forgotten download an error.
os.environ.update(
    RAYON_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    CUDA_VISIBLE_DEVICES="",
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    TRANSFORMERS_VERBOSITY="error",
)

import argparse
import collections
import dataclasses
import importlib.metadata
import json
import math
import pathlib
import re
import shutil
import sys
import tempfile
import unicodedata
import zlib

SEED = 20260118
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "golden"
REQUIREMENTS = dict(re.findall(r"([\w-]+)==([\d.]+)", __doc__))
# Largest difference of one component between one-by-one and batched, and between two machines in --check.
# Components reach 0.5 (normalised) to 2.6 (not normalised); batching moves them by less than 3e-6, while the smallest
# mistake of interest, one GELU for the other, moves some component of every vector by 4e-5 at least.
TOLERANCE = 1e-5

# Text the tokenizers are trained on, written for this file.
CORPUS = [
    "Le conseil municipal a voté hier soir le nouveau budget de la ville, après six heures de débats.",
    "L'opposition dénonce une hausse des impôts locaux ; la maire répond que l'école et les transports coûtent cher.",
    "À Marseille, les pêcheurs attendent le retour du beau temps avant de reprendre la mer.",
    "Les élèves du collège ont écrit une lettre au préfet pour demander une piste cyclable entre la gare et le lycée.",
    "Au cœur de la forêt, des chercheurs suivent depuis dix ans une trentaine de cerfs et quelques loups.",
    "L'œuvre du peintre est exposée au musée jusqu'au 15 septembre 2024 ; l'entrée coûte 12 euros.",
    "Le gouvernement annonce un plan de 3,5 milliards d'euros pour l'hôpital public et les maisons de santé.",
    "Aujourd'hui, qu'il pleuve ou qu'il neige, le marché de Noël restera ouvert jusqu'à vingt-deux heures.",
    "La présidente de la région a reçu les syndicats ; elle n'a rien promis, mais elle a écouté.",
    "Les agriculteurs bloquent l'autoroute depuis mardi et réclament un prix minimum pour le lait.",
    "Un séisme de magnitude 5 a été ressenti dans l'ouest du pays, sans faire de blessé grave.",
    "Le club de football a gagné deux à un ; où qu'il joue, ce joueur naïf et têtu reçoit le ballon.",
    "Selon l'institut, le chômage recule pour le troisième trimestre, surtout chez les jeunes de 18 à 25 ans.",
    "Ça commence mal : la façade de l'hôtel menace de s'effondrer, et les voisins ont dû être évacués.",
    "Question : qui a signé l'accord ? Réponse : le ministre des Finances, à Bruxelles, lundi matin !",
    "Document, requête, passage : les mots que la machine lit avant le texte. Voir www.exemple.fr/page_1 (8 % en mai).",
]
# The multilingual tokenizer also sees a little of other languages and scripts.
CORPUS_OTHER = [
    "The city council voted the new budget last night after a long debate about schools and public transport.",
    "The river rose by two metres in one day, and the people of the village were moved to the school.",
    "Совет города принял новый бюджет после долгого спора о школах.",
    "Река поднялась за один день, и жители деревни ушли в школу.",
    "وافق مجلس المدينة على الميزانية الجديدة بعد نقاش طويل حول المدارس.",
    "ارتفع النهر خلال يوم واحد وانتقل سكان القرية إلى المدرسة.",
]

ACCENTS = "L'été dernier, où les élèves s'étaient-ils cachés ? À Noël, ça gèle."
# (name, text): the name says why the text is here. The long one overflows every max_seq_length below.
TEXTS = [
    ("empty", ""),
    ("space", " "),
    ("one character", "a"),
    ("one character outside the vocabulary", "ß"),
    ("french", "Le conseil municipal a voté le budget de la ville."),
    ("elision", "L'école n'a qu'un élève aujourd'hui, s'il arrive jusqu'à l'entrée."),
    ("elision, typographic", "L’école n’a qu’un élève aujourd’hui, s’il arrive jusqu’à l’entrée."),
    ("ligature", "Le cœur de l'œuvre bat près des bœufs ; CŒUR, ŒUVRE."),
    ("accents, NFC", unicodedata.normalize("NFC", ACCENTS)),
    ("accents, NFD", unicodedata.normalize("NFD", ACCENTS)),
    ("capitals", "ÉLECTIONS : L'ASSEMBLÉE REJETTE LE BUDGET"),
    ("guillemets and special spaces", "« Bonjour\u00a0! », dit-elle\u202f: 3\u202f500\u00a0€ — c’est cher…"),
    ("numbers", "Le 15/09/2024 à 20h30, 1 234 567,89 € (+3,5 %) pour 12 communes."),
    ("url", "Voir https://www.exemple.fr/actu/2024?id=42&p=1#haut ou écrire à redaction@exemple.fr"),
    ("emoji", "Bravo les bleus ⚽🇫🇷 👩🏽‍🚒 !"),
    ("english", "The city council approved the new budget after a long debate."),
    ("arabic", "وافق مجلس المدينة على الميزانية الجديدة."),
    ("russian", "Совет города принял новый бюджет."),
    ("chinese", "市议会通过了新预算。"),
    ("mixed", "Le mot «бюджет» veut dire budget, et الميزانية aussi."),
    ("tabs and newlines", "Titre\tde l'article\n\nPremier paragraphe.\r\nSecond\u2028paragraphe."),
    ("spaces around", "  \n Le marché   de Noël  "),
    ("control and zero-width characters", "a\u200bb\u0007c\ufeffd\u00ade\ufffdf"),
    ("special tokens as text", "Il a écrit <s> puis </s>, <unk>, <mask>, [CLS], [SEP] et [MASK]."),
    ("padding token as text", "Avant <pad> ou [PAD] après."),
    ("one long word", "anticonstitutionnellement" * 6),
    ("long", " ".join(CORPUS[:6]) + " Fin du texte, que personne ne lira."),
]
# What cross-encoders are asked, in turns, of every text; and pairs that are cut on either side.
QUERIES = ["budget de la ville", "Qui a signé l'accord, et à quel prix ?", "school"]
LONG_QUERIES = [("long", "french"), ("long", "long"), ("special tokens as text", "url"), ("empty", "empty")]


@dataclasses.dataclass(frozen=True)
class Spec:
    """One fixture: what the model is and how its directory is written."""

    kind: str  # folder name
    family: str  # model_type of config.json
    tokenizer: str  # "wordpiece", "unigram", "bytes", or "decoder": bytes with one special token, at the end
    pooling: str
    normalize: bool
    max_seq_length: int | None  # None: no limit
    activation: str = "gelu"
    hidden: int = 32
    heads: int = 4
    intermediate: int = 64
    lowercase: bool = False
    strip_accents: bool = False
    half: bool = False  # weights kept in f16
    legacy: bool = False  # layout of sentence-transformers 2, weights as BertForMaskedLM saves them
    prompts: dict = dataclasses.field(default_factory=dict)  # as in config_sentence_transformers.json
    passage_prompt: str = "document"  # key of `prompts` used for passages
    dense: tuple = ()  # (components, activation, bias) of each Dense layer
    truncate: int | None = None  # truncate_dim
    labels: int = 0  # of a cross-encoder; 0: an embedding model
    score: str = "Sigmoid"  # the activation of a cross-encoder of one label
    kept_in: str = "modules"  # where that is: "modules", or a key of config.json in a folder without modules

    @property
    def dimension(self):
        return self.truncate or (self.dense[-1][0] if self.dense else self.hidden)


# Dimensions 24, 40 and 3 heads are there for kernels: no multiple of 16, 32 or 64.
SPECS = [
    Spec("bert", "bert", "wordpiece", "mean", True, 48, lowercase=True, strip_accents=True),
    Spec(
        "bert-cls-prompts", "bert", "wordpiece", "cls", False, 40, half=True,
        prompts={"query": "query: ", "passage": "passage: "}, passage_prompt="passage",
    ),
    Spec("xlm-roberta", "xlm-roberta", "unigram", "mean", True, 64),
    Spec("camembert", "camembert", "unigram", "mean", False, 56),
    Spec(
        "roberta", "roberta", "bytes", "cls", True, 64,
        prompts={"query": "Requête : ", "document": "Document : "},
    ),
    Spec("distilbert", "distilbert", "wordpiece", "mean", False, 64, lowercase=True, strip_accents=True, half=True),
    Spec(
        "bert-max", "bert", "wordpiece", "max", False, 50, activation="gelu_new",
        hidden=24, heads=3, intermediate=40, lowercase=True,
    ),
    Spec(
        "bert-prefixed", "bert", "wordpiece", "mean", True, 44, activation="relu",
        hidden=24, heads=3, intermediate=40, lowercase=True, strip_accents=True, legacy=True,
    ),
    Spec(
        "bert-dense", "bert", "wordpiece", "weightedmean", True, 60, activation="silu", hidden=24, heads=3,
        intermediate=40, lowercase=True, half=True, dense=((40, "Tanh", True), (24, "GELU", False)), truncate=17,
    ),
    Spec("modernbert", "modernbert", "wordpiece", "cls", True, 150, intermediate=40, lowercase=True, half=True),
    Spec(
        "qwen3", "qwen3", "decoder", "lasttoken", True, 140, activation="silu", hidden=24, intermediate=40, half=True,
        prompts={"query": "Instruct: trouver\nQuery:", "document": ""},
    ),
    Spec(
        "gemma3", "gemma3_text", "unigram", "mean", True, 145, activation="gelu_pytorch_tanh", hidden=24, heads=3,
        intermediate=40, half=True, prompts={"query": "task: search | query: ", "document": "title: none | text: "},
        dense=((40, "Identity", False), (24, "Identity", False)),
    ),
    Spec("static", "static", "wordpiece", "mean", False, None, lowercase=True),
    Spec(
        "model2vec", "model2vec", "wordpiece", "mean", True, 512, hidden=20, lowercase=True, strip_accents=True,
        half=True,
    ),
]
SBERT_CE = "sbert_ce_default_activation_function"  # before version 4
# A cross-encoder sees the text through its first token alone, as cls pooling does.
SPECS += [
    Spec("cross-bert", "bert", "wordpiece", "cls", False, 48, hidden=24, heads=3, lowercase=True, half=True, labels=1),
    Spec(
        "cross-bert-2", "bert", "wordpiece", "cls", False, 44, activation="relu", hidden=24, heads=3, intermediate=40,
        half=True, labels=2, score="Softmax", kept_in="none",
    ),
    Spec(
        "cross-xlm-roberta", "xlm-roberta", "unigram", "cls", False, 64, hidden=24, intermediate=40, half=True,
        labels=1, score="Identity", kept_in=SBERT_CE,
    ),
    Spec(
        "cross-distilbert", "distilbert", "wordpiece", "cls", False, 64, hidden=24, heads=3, intermediate=40,
        lowercase=True, half=True, labels=1, kept_in="none",
    ),
    Spec(
        "cross-modernbert", "modernbert", "wordpiece", "cls", False, 150, hidden=24, heads=3, intermediate=40,
        lowercase=True, half=True, labels=1, score="Identity", kept_in="sentence_transformers",
    ),
]
MAX_POSITIONS = 64  # usable positions; the RoBERTa family adds pad id + 1 = 2
ROTARY_POSITIONS = 200
TABLES = ("static", "model2vec")


def check_versions():
    """Stops unless the installed libraries are the ones the fixtures are made with."""
    wrong = [f"Python {sys.version.split()[0]}, needs 3.11"] if sys.version_info[:2] != (3, 11) else []
    for name, wanted in REQUIREMENTS.items():
        try:
            found = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            found = "absent"
        if found != wanted:
            wrong.append(f"{name} {found}, needs {wanted}")
    if wrong:
        sys.exit("make-golden: " + "; ".join(wrong) + "\nhint: the top of this file says how to install them")


check_versions()

import numpy
import sentence_transformers
import tokenizers
import torch
import transformers
from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoder
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, StaticEmbedding, Transformer
from tokenizers import models, normalizers, pre_tokenizers, processors, trainers

transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


# --- tokenizers ---------------------------------------------------------------------------------------------------


def train_bpe(corpus, normalizer, pre_tokenizer, size, alphabet=()):
    """Trains BPE; returns the tokenizer, its pieces in id order and its merges."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=list(alphabet), show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    pieces = sorted(model["vocab"], key=model["vocab"].get)
    return tokenizer, pieces, [tuple(pair) for pair in model["merges"]]


def wordpiece_vocab(lowercase, strip_accents):
    """Token -> id: BERT's special tokens, every letter at and after the start of a word, then the pieces BPE cuts."""
    normalizer = normalizers.BertNormalizer(lowercase=lowercase, strip_accents=strip_accents)
    bpe, letters, _ = train_bpe(CORPUS, normalizer, pre_tokenizers.BertPreTokenizer(), 190)
    letters = {piece for piece in letters if len(piece) == 1}
    longer = set()
    for line in CORPUS:
        encoding = bpe.encode(line)
        for index, (token, word) in enumerate(zip(encoding.tokens, encoding.word_ids)):
            if len(token) > 1:
                starts = index == 0 or encoding.word_ids[index - 1] != word
                longer.add(token if starts else "##" + token)
    inside = {"##" + letter for letter in letters if letter.isalnum()}
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(letters), *sorted(inside), *sorted(longer)]
    return {token: index for index, token in enumerate(tokens)}


def unigram_vocab(corpus, specials, size):
    """(piece, score) rows: special tokens at 0, then pieces by log frequency in what BPE cuts, the mask last."""
    split = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    bpe, pieces, _ = train_bpe(corpus, None, split, size)
    counts = collections.Counter(token for line in corpus for token in bpe.encode(line).tokens)
    for piece in pieces:
        if len(piece) == 1:
            counts[piece] += 0.5  # a letter that only occurs inside longer pieces must stay reachable
    total = sum(counts.values())
    # Four digits: the same file whatever the machine's logarithm.
    rows = [(piece, round(math.log(count / total), 4)) for piece, count in counts.items()]
    rows.sort(key=lambda row: (-row[1], row[0]))
    return [(token, 0.0) for token in specials] + rows + [("<mask>", 0.0)]


def make_tokenizer(spec):
    """The transformers tokenizer of a fixture."""
    # The old layout keeps the useful limit in sentence_bert_config.json, and a larger one here.
    limit = MAX_POSITIONS if spec.legacy else spec.max_seq_length
    if spec.tokenizer == "decoder":
        return decoder_tokenizer(limit)
    if spec.tokenizer == "wordpiece":
        return transformers.BertTokenizer(
            vocab=wordpiece_vocab(spec.lowercase, spec.strip_accents),
            do_lower_case=spec.lowercase,
            strip_accents=spec.strip_accents,
            model_max_length=limit,
        )
    if spec.tokenizer == "bytes":
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        split = pre_tokenizers.ByteLevel(add_prefix_space=False)
        _, pieces, merges = train_bpe(CORPUS, None, split, 330, alphabet=sorted(alphabet))
        tokens = ["<s>", "<pad>", "</s>", "<unk>", *pieces, "<mask>"]
        vocab = {token: index for index, token in enumerate(tokens)}
        return transformers.RobertaTokenizer(vocab=vocab, merges=merges, model_max_length=limit)
    if spec.family in ("xlm-roberta", "gemma3_text"):
        rows = unigram_vocab(CORPUS + CORPUS_OTHER, ["<s>", "<pad>", "</s>", "<unk>"], 260)
        return transformers.XLMRobertaTokenizer(vocab=rows, model_max_length=limit)

    # CamemBERT: the special tokens are not at XLM-R's ids, and the first four rows of the vocabulary are dead. The
    # generic class keeps the pipeline as it is here, so this one also has a normaliser and a regular expression.
    dead = ["<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>"]
    backend = tokenizers.Tokenizer(models.Unigram(unigram_vocab(CORPUS, dead, 230), unk_id=3, byte_fallback=False))
    backend.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(tokenizers.Regex(r"\s{2,}|[\n\r\t]"), " ")]
    )
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    backend.decoder = tokenizers.decoders.Metaspace(prepend_scheme="always")
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 5), ("</s>", 6)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, model_max_length=limit, bos_token="<s>", eos_token="</s>", cls_token="<s>",
        sep_token="</s>", pad_token="<pad>", unk_token="<unk>", mask_token="<mask>",
        model_input_names=["input_ids", "attention_mask"],
    )


def decoder_tokenizer(limit):
    """As Qwen3-Embedding has it: nothing before a text, and the token whose vector counts after it."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    _, pieces, merges = train_bpe(CORPUS, None, split, 330, alphabet=alphabet)
    end = "<|endoftext|>"
    vocab = {token: index for index, token in enumerate([*pieces, end])}
    backend = tokenizers.Tokenizer(models.BPE(vocab, merges))
    backend.pre_tokenizer = split
    backend.decoder = tokenizers.decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(single=f"$A {end}", special_tokens=[(end, vocab[end])])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, model_max_length=limit, eos_token=end, pad_token=end, padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
    )


# --- models -------------------------------------------------------------------------------------------------------


# Few heads share keys and values, heads are not as wide as the hidden state divided among them, and layers see all or
# a window. Configurations are written as transformers 5 does; the unit tests of `embed::spec` have the older keys.
ROTARY = {
    "modernbert": (
        transformers.ModernBertConfig,
        transformers.ModernBertModel,
        dict(num_hidden_layers=4, global_attn_every_n_layers=3, local_attention=10, cls_token_id=2, sep_token_id=3),
    ),
    "qwen3": (
        transformers.Qwen3Config,
        transformers.Qwen3Model,
        dict(num_hidden_layers=2, num_key_value_heads=2, head_dim=8, rope_theta=1e6),
    ),
    "gemma3_text": (
        transformers.Gemma3TextConfig,
        transformers.Gemma3TextModel,
        dict(
            num_hidden_layers=3, num_key_value_heads=1, head_dim=10, query_pre_attn_scalar=14, sliding_window=12,
            sliding_window_pattern=2, use_bidirectional_attention=True,
        ),
    ),
}


CLASSIFIERS = {
    "bert": transformers.BertForSequenceClassification,
    "xlm-roberta": transformers.XLMRobertaForSequenceClassification,
    "distilbert": transformers.DistilBertForSequenceClassification,
    "modernbert": transformers.ModernBertForSequenceClassification,
}


def make_model(spec, tokenizer):
    """The transformers model of a fixture, with its weights drawn."""
    vocab_size = len(tokenizer)
    head = dict(num_labels=spec.labels) if spec.labels else {}
    if spec.family == "distilbert":
        config = transformers.DistilBertConfig(
            vocab_size=vocab_size, max_position_embeddings=MAX_POSITIONS, dim=spec.hidden, n_layers=2,
            n_heads=spec.heads, hidden_dim=spec.intermediate, activation=spec.activation, pad_token_id=0, **head,
        )
        model_class = transformers.DistilBertModel
    elif spec.family in ROTARY:
        config_class, model_class, own = ROTARY[spec.family]
        config = config_class(
            vocab_size=vocab_size, hidden_size=spec.hidden, num_attention_heads=spec.heads,
            intermediate_size=spec.intermediate, max_position_embeddings=ROTARY_POSITIONS, pad_token_id=0,
            bos_token_id=None, eos_token_id=None, **own, **(head and head | dict(classifier_pooling="mean")),
        )
    else:
        shape = dict(
            vocab_size=vocab_size, hidden_size=spec.hidden, num_hidden_layers=2, num_attention_heads=spec.heads,
            intermediate_size=spec.intermediate, hidden_act=spec.activation, **head,
        )
        if spec.family == "bert":
            config = transformers.BertConfig(**shape, max_position_embeddings=MAX_POSITIONS, pad_token_id=0)
            model_class = transformers.BertForMaskedLM if spec.legacy else transformers.BertModel
        else:
            config_class, model_class = {
                "xlm-roberta": (transformers.XLMRobertaConfig, transformers.XLMRobertaModel),
                "camembert": (transformers.CamembertConfig, transformers.CamembertModel),
                "roberta": (transformers.RobertaConfig, transformers.RobertaModel),
            }[spec.family]
            config = config_class(
                **shape, max_position_embeddings=MAX_POSITIONS + 2, type_vocab_size=1, layer_norm_eps=1e-5,
                pad_token_id=1, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            )
    model = (CLASSIFIERS[spec.family] if spec.labels else model_class)(config)
    draw_weights(model, spec)
    return (model.half() if spec.half else model).eval()


def spread_of(name, spec):
    """Centre and half-width of the values of one tensor.

    Wide words, queries and keys, and narrow everything shared by all texts: otherwise all embeddings look alike. The
    first token only sees the text through attention, so cls pooling wants the other matrices wide too.
    """
    if "norm" in name:
        if spec.family == "gemma3_text":
            return (0.0, 0.25)  # 1 is added to it
        return (1.0, 0.25) if name.endswith("weight") else (0.0, 0.1)
    wide = ("query", "key", "q_lin", "k_lin", "wqkv", "q_proj", "k_proj", "tok_embeddings", "embed_tokens")
    if "word_embeddings" in name or any(part in name for part in wide):
        return (0.0, 0.48)
    if name.endswith("bias") or "embeddings" in name:
        return (0.0, 0.15)
    return (0.0, 0.45 if spec.pooling in ("cls", "lasttoken") else 0.25)


def draw_weights(model, spec):
    """Fills every floating tensor, the padding rows included: a loader that lets padding leak must be found out."""
    seen = set()
    with torch.no_grad():
        for name, tensor in sorted(model.state_dict().items()):
            if not tensor.is_floating_point() or tensor.data_ptr() in seen:
                continue  # position ids, or the second name of a tied tensor
            seen.add(tensor.data_ptr())
            centre, spread = spread_of(name.lower(), spec)
            tensor.copy_(torch.from_numpy(centre + draw(spec, name, spread, tuple(tensor.shape))))


def draw(spec, name, spread, shape):
    """Values of a tensor around 0."""
    stream = numpy.random.RandomState(zlib.crc32(f"{SEED}/{spec.kind}/{name}".encode()))
    steps = int(spread * 4096)
    return (stream.randint(-steps, steps + 1, size=shape) / 4096).astype(numpy.float32)


# --- directories --------------------------------------------------------------------------------------------------


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def edit_json(path, change):
    """Applies `change` to the parsed file and writes it back laid out as the libraries do."""
    text = path.read_text(encoding="utf-8")
    value = json.loads(text)
    change(value)
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n" * text.endswith("\n"), encoding="utf-8")


def save_directory(spec, folder):
    """Writes the model directory of a fixture to `folder`."""
    tokenizer = make_tokenizer(spec)
    if spec.family in TABLES:
        save_table(spec, tokenizer.backend_tokenizer, folder)
        return
    model = make_model(spec, tokenizer)
    if spec.legacy:
        save_legacy_directory(spec, model, tokenizer, folder)
        return
    if spec.labels:
        save_cross_encoder(spec, model, tokenizer, folder)
        return
    with tempfile.TemporaryDirectory() as base:
        model.save_pretrained(base)
        tokenizer.save_pretrained(base)
        transformer = Transformer(base)
    modules = [transformer, Pooling(spec.hidden, pooling_mode=spec.pooling)]
    width = spec.hidden
    for index, (components, activation, bias) in enumerate(spec.dense):
        dense = Dense(width, components, bias=bias, activation_function=getattr(torch.nn, activation)())
        with torch.no_grad():
            for name, tensor in sorted(dense.state_dict().items()):
                tensor.copy_(torch.from_numpy(draw(spec, f"dense.{index}.{name}", 0.4, tuple(tensor.shape))))
        modules.append(dense)
        width = components
    if spec.normalize:
        modules.append(Normalize())
    whole = sentence_transformers.SentenceTransformer(modules=modules, prompts=spec.prompts, truncate_dim=spec.truncate, device="cpu")
    whole.save(str(folder), create_model_card=False)
    forget_build(folder)


def forget_build(folder):
    """Takes out the only thing that depends on the machine: torch's build ("+cpu", "+cu132")."""
    edit_json(
        folder / "config_sentence_transformers.json",
        lambda config: config["__version__"].update(pytorch=REQUIREMENTS["torch"]),
    )


def save_cross_encoder(spec, model, tokenizer, folder):
    """Writes a cross-encoder as sentence-transformers 6 does, or as transformers does, with what earlier versions added.

    As on the hub, a tokenizer.json without modules carries truncation and padding left over from some run.
    """
    activation = getattr(torch.nn, spec.score)() if spec.labels == 1 else torch.nn.Identity()
    name = sentence_transformers.util.fullname(activation)
    if spec.kept_in == "modules":
        with tempfile.TemporaryDirectory() as base:
            model.save_pretrained(base)
            tokenizer.save_pretrained(base)
            whole = CrossEncoder(base, activation_fn=activation, device="cpu")
        whole.save_pretrained(str(folder), create_model_card=False)
        forget_build(folder)
        return
    model.save_pretrained(folder)
    tokenizer.backend_tokenizer.enable_truncation(24)
    tokenizer.backend_tokenizer.enable_padding(length=24, pad_id=tokenizer.pad_token_id, pad_token=tokenizer.pad_token)
    tokenizer.save_pretrained(folder)
    if spec.kept_in == SBERT_CE:
        edit_json(folder / "config.json", lambda config: config.update({SBERT_CE: name}))
    elif spec.kept_in != "none":
        own = {"activation_fn": name, "version": "4.1.0"}
        edit_json(folder / "config.json", lambda config: config.update({spec.kept_in: own}))


def save_table(spec, tokenizer, folder):
    """Writes a table of word vectors as sentence-transformers 3 did, or as Model2Vec does.

    Model2Vec: several tokens share a row, and each has a weight of its own.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    vocabulary = tokenizer.get_vocab_size()
    model2vec = spec.family == "model2vec"
    home = folder if model2vec else folder / "0_StaticEmbedding"
    home.mkdir(exist_ok=True)
    tokenizer.save(str(home / "tokenizer.json"))
    rows = vocabulary // 3 if model2vec else vocabulary
    table = torch.from_numpy(draw(spec, "table", 0.48, (rows, spec.hidden)))
    if not model2vec:
        save_file({"embedding.weight": table}, home / "model.safetensors", metadata={"format": "pt"})
        path, normalise = "0_StaticEmbedding", []
        settings = {"__version__": {"sentence_transformers": "3.3.1"}, "prompts": {}, "similarity_fn_name": "cosine"}
        write_json(folder / "config_sentence_transformers.json", settings)
    else:
        mapping = torch.from_numpy((draw(spec, "mapping", 0.5, (vocabulary,)) * 4096).astype(numpy.int64) % rows)
        weights = torch.from_numpy(0.5 + draw(spec, "weights", 0.4, (vocabulary,)))
        tensors = {"embeddings": table.half(), "mapping": mapping, "weights": weights}
        save_file(tensors, home / "model.safetensors")
        path, normalise = ".", [("1", "1_Normalize", "Normalize")]
        config = {"model_type": "model2vec", "architectures": ["StaticModel"], "hidden_dim": spec.hidden}
        write_json(folder / "config.json", config | {"seq_length": 1000000, "normalize": spec.normalize})
    modules = [("0", path, "StaticEmbedding"), *normalise]
    write_json(
        folder / "modules.json",
        [
            {"idx": index, "name": name, "path": place, "type": f"sentence_transformers.models.{kind}"}
            for index, (name, place, kind) in enumerate(modules)
        ],
    )


def save_legacy_directory(spec, model, tokenizer, folder):
    """Writes the directory as sentence-transformers 2 did, with weights named as BertForMaskedLM names them.

    As on the hub: the position ids are among the weights, tokenizer.json carries truncation and padding left over from
    some run (a loader must replace both), and max_seq_length in sentence_bert_config.json beats model_max_length.
    """
    model.save_pretrained(folder)
    tokenizer.backend_tokenizer.enable_truncation(24)
    tokenizer.backend_tokenizer.enable_padding(length=24, pad_id=0, pad_token="[PAD]")
    tokenizer.save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    weights["bert.embeddings.position_ids"] = torch.arange(MAX_POSITIONS).unsqueeze(0)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    edit_json(folder / "config.json", lambda config: config.update(torch_dtype=config.pop("dtype")))
    write_json(folder / "special_tokens_map.json", tokenizer.special_tokens_map)

    write_json(folder / "sentence_bert_config.json", {"max_seq_length": spec.max_seq_length, "do_lower_case": False})
    versions = {"sentence_transformers": "2.2.2", "transformers": "4.30.2", "pytorch": "2.0.1"}
    write_json(folder / "config_sentence_transformers.json", {"__version__": versions})
    names = ["Transformer", "Pooling", "Normalize"] if spec.normalize else ["Transformer", "Pooling"]
    write_json(
        folder / "modules.json",
        [
            {
                "idx": index,
                "name": str(index),
                "path": f"{index}_{name}" if index else "",
                "type": f"sentence_transformers.models.{name}",
            }
            for index, name in enumerate(names)
        ],
    )
    flags = {
        "pooling_mode_cls_token": "cls",
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_max_tokens": "max",
        "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    }
    write_json(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": spec.hidden} | {flag: mode == spec.pooling for flag, mode in flags.items()},
    )


# --- golden answers -----------------------------------------------------------------------------------------------


def distance(left, right):
    return float(numpy.abs(left - right).max())


def describe_table(spec, folder):
    """What `describe` does, for a table of word vectors: without special tokens, and without a limit in the files."""
    whole = sentence_transformers.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    table = whole[0].float()
    rows, vectors, ids = [], [], []
    for kind, chosen in (("passage", TEXTS), ("query", TEXTS[4:6])):
        for name, text in chosen:
            token_ids = table.tokenizer.encode(text, add_special_tokens=False).ids
            if spec.family == "model2vec":
                unknown = table.tokenizer.token_to_id(table.tokenizer.model.unk_token)
                token_ids = [token for token in token_ids if token != unknown][: spec.max_seq_length]
                features = {"input_ids": torch.tensor(token_ids, dtype=torch.long), "offsets": torch.tensor([0])}
                with torch.no_grad():
                    vector = whole[1](table(features))["sentence_embedding"][0].numpy()
            else:
                assert token_ids == table.preprocess([text])["input_ids"].tolist()
                vector = whole.encode(text)
            assert vector.dtype == numpy.float32 and vector.shape == (spec.hidden,) and numpy.isfinite(vector).all()
            embedding = [float(str(component)) for component in vector]
            rows.append({"name": name, "kind": kind, "text": text, "token_ids": token_ids, "embedding": embedding})
            if token_ids:
                vectors.append(vector)
                ids.append(set(token_ids))  # neither order nor length matters
    check_spread(spec, numpy.stack(vectors).astype(numpy.float64), ids)
    return header(spec) | of_vectors(spec, {"query": "", "passage": ""}) | {"texts": rows}


def describe(spec, folder):
    """Embeds TEXTS with the saved directory, checks what can be checked here, and returns golden.json's content."""
    whole = sentence_transformers.SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32}
    )
    assert whole.max_seq_length == spec.max_seq_length, f"{spec.kind}: max_seq_length {whole.max_seq_length}"
    assert whole.dtype == torch.float32
    prompts = {"query": spec.prompts.get("query", ""), "passage": spec.prompts.get(spec.passage_prompt, "")}
    plain = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    plain.enable_truncation(spec.max_seq_length)
    plain.no_padding()

    rows, vectors, ids = [], [], []
    for kind in ["passage", "query"]:
        prompt = prompts[kind]
        if kind == "query" and not any(prompts.values()):
            chosen = TEXTS[4:6]  # the same answer as for a passage; two texts are enough to say so
        else:
            chosen = TEXTS
        texts = [text for _, text in chosen]
        batched = whole.encode(texts, prompt=prompt, batch_size=len(texts))
        by_five = whole.encode(texts, prompt=prompt, batch_size=5)
        for index, (name, text) in enumerate(chosen):
            token_ids = whole.preprocess([text], prompt=prompt)["input_ids"][0].tolist()
            assert token_ids == plain.encode(prompt + text).ids, f"{spec.kind}, {name}: tokenizer.json disagrees"
            assert len(token_ids) <= spec.max_seq_length
            alone = whole.encode(text, prompt=prompt)
            assert alone.dtype == numpy.float32 and alone.shape == (spec.dimension,) and numpy.isfinite(alone).all()
            for other in (batched[index], by_five[index]):
                error = distance(alone, other)
                assert error <= TOLERANCE, f"{spec.kind}, {name}: alone and batched differ by {error}"
            # str() of a float32 is the shortest decimal that gives the same float32 back.
            embedding = [float(str(component)) for component in alone]
            rows.append({"name": name, "kind": kind, "text": text, "token_ids": token_ids, "embedding": embedding})
            vectors.append(alone)
            ids.append(token_ids)
    assert any(len(row) == spec.max_seq_length for row in ids), f"{spec.kind}: no text is truncated"
    check_spread(spec, numpy.stack(vectors).astype(numpy.float64), ids)

    return header(spec) | of_vectors(spec, prompts) | {"texts": rows}


def describe_pairs(spec, folder):
    """What `describe` does, for a cross-encoder: scores of pairs."""
    whole = CrossEncoder(str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32})
    assert whole.max_seq_length == spec.max_seq_length, f"{spec.kind}: max_seq_length {whole.max_seq_length}"
    assert whole.num_labels == spec.labels
    plain = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    plain.enable_truncation(spec.max_seq_length)
    plain.no_padding()

    def predict(pairs, batch_size):
        scores = whole.predict(pairs, batch_size=batch_size, apply_softmax=spec.labels == 2)
        return scores[:, 1] if spec.labels == 2 else scores

    texts = dict(TEXTS)
    pairs = [(QUERIES[index % len(QUERIES)], text) for index, (_, text) in enumerate(TEXTS)]
    names = [name for name, _ in TEXTS]
    pairs += [(texts[query], texts[passage]) for query, passage in LONG_QUERIES]
    names += [f"{query}, {passage}" for query, passage in LONG_QUERIES]
    batched, by_five, alone = (predict(pairs, size) for size in (len(pairs), 5, 1))
    rows = []
    for index, (name, pair) in enumerate(zip(names, pairs)):
        features = whole.preprocess([list(pair)])
        token_ids = features["input_ids"][0].tolist()
        types = features["token_type_ids"][0].tolist() if spec.family == "bert" else [0] * len(token_ids)
        assert types == sorted(types) and max(types) <= 1
        assert token_ids == plain.encode(*pair).ids, f"{spec.kind}, {name}: tokenizer.json disagrees"
        assert len(token_ids) <= spec.max_seq_length
        score = alone[index]
        assert score.dtype == numpy.float32 and numpy.isfinite(score)
        for other in (batched[index], by_five[index]):
            assert abs(score - other) <= TOLERANCE, f"{spec.kind}, {name}: alone and batched differ"
        rows.append(
            {
                "name": name, "query": pair[0], "text": pair[1], "token_ids": token_ids, "first": types.count(0),
                "score": float(str(score)),
            }
        )
    assert any(len(row["token_ids"]) == spec.max_seq_length for row in rows), f"{spec.kind}: no pair is truncated"
    scores = numpy.array([row["score"] for row in rows])
    print(f"{spec.kind}: {len(rows)} answers, scores {scores.min():.3f} to {scores.max():.3f}, spread {scores.std():.3f}")
    assert scores.std() > 0.05, f"{spec.kind}: scores too alike"
    own = {"labels": spec.labels, "score": spec.score.lower(), "max_seq_length": spec.max_seq_length}
    return header(spec) | own | {"pairs": rows}


def header(spec):
    return {
        "versions": {
            "python": "3.11",
            "torch": REQUIREMENTS["torch"],
            "transformers": transformers.__version__,
            "sentence_transformers": sentence_transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
        "seed": SEED,
        "model": spec.kind,
        "model_type": spec.family,
        "weights": "f16" if spec.half else "f32",
        "computed_in": "f32",
    }


def of_vectors(spec, prompts):
    return {
        "pooling": spec.pooling,
        "normalized": spec.normalize,
        "dimension": spec.dimension,
        "max_seq_length": spec.max_seq_length,
        "prompts": prompts,
    }


def check_spread(spec, vectors, ids):
    """Random weights can make every text look alike, and then a wrong engine would pass: refuse such a model."""
    unit = vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    different = [cosines[i, j] for i in range(len(ids)) for j in range(i) if ids[i] != ids[j]]
    mean, most = float(numpy.mean(different)), float(max(different))
    print(f"{spec.kind}: {len(ids)} answers, cosines of different texts: mean {mean:.3f}, greatest {most:.5f}")
    assert mean < 0.9 and most < 0.99999, f"{spec.kind}: embeddings too alike"


def write_golden(path, golden):
    """One line per text or pair: a readable difference when something moves."""
    lines = ["{"]
    for key, value in golden.items():
        if key not in ("texts", "pairs"):
            lines.append(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},")
    kind = "pairs" if "pairs" in golden else "texts"
    lines.append(f'  "{kind}": [')
    rows = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in golden[kind]]
    # JSON may hold U+2028 and friends as they are, but editors take them for line ends.
    rows = ["".join(escape(character) for character in row) for row in rows]
    lines.append(",\n".join("    " + row for row in rows))
    lines += ["  ]", "}"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def escape(character):
    """Characters nobody can see are written \\uXXXX; the file stays readable for the rest."""
    hidden = unicodedata.category(character) in ("Cf", "Zl", "Zp", "Mn") or character in "\u00a0\u202f\ufffd"
    return f"\\u{ord(character):04x}" if hidden and ord(character) < 0x10000 else character


def make(out):
    """Makes every fixture under `out`, an empty or absent folder."""
    for spec in SPECS:
        folder = out / spec.kind
        folder.mkdir(parents=True)
        save_directory(spec, folder)
        describe_it = describe_pairs if spec.labels else describe_table if spec.family in TABLES else describe
        write_golden(folder / "golden.json", describe_it(spec, folder))


def files_of(root):
    return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}


def compare(kept, made):
    """Differences between two trees: bytes for all files, embeddings and scores within TOLERANCE in golden.json."""
    kept_files, made_files = files_of(kept), files_of(made)
    for name in sorted(kept_files.keys() | made_files.keys()):
        if name not in kept_files or name not in made_files:
            yield f"{name}: only in {'the new' if name in made_files else 'the kept'} fixtures"
        elif kept_files[name].read_bytes() != made_files[name].read_bytes():
            if not name.endswith("golden.json"):
                yield f"{name}: bytes differ"
                continue
            old, new = (json.loads(files[name].read_text(encoding="utf-8")) for files in (kept_files, made_files))
            answer = "score" if "pairs" in old else "embedding"
            old_vectors, new_vectors = (
                [row.pop(answer, None) for row in golden.get("pairs", golden.get("texts"))] for golden in (old, new)
            )
            if old != new:
                yield f"{name}: header, texts or token ids differ"
            else:
                error = distance(numpy.array(old_vectors), numpy.array(new_vectors))
                if error > TOLERANCE:
                    yield f"{name}: answers differ by up to {error:.2e}, more than {TOLERANCE:.0e}"
                else:
                    print(f"{name}: same within {error:.2e}")


def main():
    parser = argparse.ArgumentParser(description="Makes tests/fixtures/golden/ with sentence-transformers.")
    parser.add_argument("--check", action="store_true", help="make them in a temporary folder and compare")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder) / "golden"
        make(made)
        if arguments.check:
            differences = list(compare(GOLDEN, made))
            for difference in differences:
                print(difference, file=sys.stderr)
            if differences:
                sys.exit(f"make-golden: {len(differences)} files are not what this script makes")
            print(f"{len(files_of(GOLDEN))} files as expected")
        else:
            shutil.rmtree(GOLDEN, ignore_errors=True)
            shutil.copytree(made, GOLDEN)
            print(f"{len(files_of(GOLDEN))} files, {sum(p.stat().st_size for p in files_of(GOLDEN).values())} bytes")


if __name__ == "__main__":
    main()
