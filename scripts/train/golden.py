"""Golden vectors: what the exported model gives in plain f32, for the parity test of the engine."""

import json

import torch
from tokenizers import Tokenizer

import export
import network
import texts

TEXTS = [
    "Le conseil municipal a voté le budget de la ville.",
    "L’été « meurtrier » : œuvre en tête des ventes — 12 000 exemplaires, 3,5 M€.",
    "ÉLECTIONS : L'ASSEMBLÉE REJETTE LE BUDGET",
    "elections l'assemblee rejette le budget",
    "Evguéni Prigojine rencontre le maréchal Khalifa Haftar à Benghazi.",
    "The city council approved the new budget after a long debate.",
    "Der Stadtrat hat den Haushalt nach langer Debatte verabschiedet.",
    "El consejo municipal aprobó el presupuesto de la ciudad.",
    "Il consiglio comunale ha approvato il bilancio della città.",
    "A câmara municipal aprovou o orçamento da cidade.",
    "De gemeenteraad heeft de begroting van de stad goedgekeurd.",
    "Городской совет принял новый бюджет.",
    "وافق مجلس المدينة على الميزانية الجديدة.",
    "市议会通过了新预算。",
    "a",
    "",
    "Un texte plus long que ce que le modèle lit d'une fois. " * 40,
]


def write(folder, path) -> None:
    """Token ids and vectors of TEXTS by the model of a folder, a line each."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encoder = network.load(network.from_bert(export.read(folder)))
    tokens = texts.Tokens.of(tokenizer, TEXTS, export.LONGEST)
    rows = []
    with torch.inference_mode():
        for index, text in enumerate(TEXTS):
            ids = tokens[index].tolist()
            vector = encoder(*texts.padded([ids]))[0]
            rows.append({"text": text, "token_ids": ids, "embedding": [round(value, 7) for value in vector.tolist()]})
    lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    path.write_text(f"[\n{lines}\n]\n")
