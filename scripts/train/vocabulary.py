"""The vocabulary: WordPiece, lower case, accents folded, so that « Élysée », "elysee" and "ELYSEE" are the same text.

French and English come first: their pieces are those of the model that training starts from, or are learnt. The pieces of
the other languages are appended, so that the first rows of the word table keep their meaning.

Pieces are learnt as byte-pair merges: the WordPiece trainer of `tokenizers` walks a hash map, and gives another vocabulary
at each run.
"""

import json

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

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
    merger = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    merger.normalizer, merger.pre_tokenizer = like.normalizer, like.pre_tokenizer
    merger.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size, min_frequency=2, limit_alphabet=600, continuing_subword_prefix="##", show_progress=False
        ),
    )
    return [piece for piece, _ in sorted(merger.get_vocab().items(), key=lambda item: item[1])]


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
