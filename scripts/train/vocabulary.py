"""The vocabulary: WordPiece, lower case, accents folded, so that « Élysée », "elysee" and "ELYSEE" are the same text.

French and English come first: their pieces are those of the model that training starts from, or are learnt. The pieces of
the other languages are appended, so that the first rows of the word table keep their meaning.

Pieces are learnt as byte-pair merges: the WordPiece trainer of `tokenizers` walks a hash map, and gives another vocabulary
at each run. So does the byte-pair trainer if it is asked for a prefix of continuing pieces: here the characters inside of a
word are shifted into a private plane of Unicode instead.
"""

import collections
import json
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

ALPHABET = 600  # characters; rarer ones are in no piece
INSIDE = 0xF0000  # added to a character that does not begin a word
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def blank(vocabulary: dict[str, int]) -> Tokenizer:
    """A tokenizer of these pieces."""
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=64))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace("’", "'"), normalizers.Replace("œ", "oe"), normalizers.Replace("Œ", "oe")]
        + [normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True)]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", SPECIAL.index("[CLS]")), ("[SEP]", SPECIAL.index("[SEP]"))],
    )
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def learnt(texts, size: int) -> list[str]:
    """The pieces that byte-pair merging of `texts` gives, most useful first."""
    like = blank({piece: index for index, piece in enumerate(SPECIAL)})
    words = collections.Counter()
    for text in texts:
        words.update(word for word, _ in like.pre_tokenizer.pre_tokenize_str(like.normalizer.normalize_str(text)))
    counts = collections.Counter()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    ranked = sorted((character for character in counts if ord(character) + INSIDE <= sys.maxunicode), key=lambda c: (-counts[c], c))
    kept = set(ranked[:ALPHABET])
    merger = Tokenizer(models.BPE())
    merger.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(vocab_size=size, min_frequency=2, show_progress=False)
    merger.train_from_iterator((_shifted(filter(kept.__contains__, word)) for word in words.elements()), trainer)
    pieces = [piece for piece, _ in sorted(merger.get_vocab().items(), key=lambda item: item[1])]
    return [_unshifted(piece) for piece in pieces]


def _shifted(word) -> str:
    """Its characters, all but the first in the private plane."""
    return "".join(chr(ord(c) + INSIDE) if at else c for at, c in enumerate(word))


def _unshifted(piece: str) -> str:
    """`piece` as WordPiece writes it."""
    text = "".join(chr(ord(c) - INSIDE) if ord(c) >= INSIDE else c for c in piece)
    return text if ord(piece[0]) < INSIDE else f"##{text}"


def make(first: list[str], others: list[str], size: int) -> Tokenizer:
    """`first` in their order, then those of `others` that are new, up to `size` pieces."""
    pieces = dict.fromkeys(SPECIAL + first)
    for piece in others:
        if len(pieces) >= size:
            break
        pieces.setdefault(piece)
    return blank({piece: index for index, piece in enumerate(pieces)})


def pieces_of(tokenizer: Tokenizer) -> list[str]:
    """The pieces in the order of their ids."""
    return [piece for piece, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]


def save(tokenizer: Tokenizer, path) -> None:
    """Writes it without the indentation that doubles its size."""
    path.write_text(json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":")))
