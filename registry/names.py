"""Names of datasets: a key under which spellings of one name agree, and the slug that a name gets."""

from __future__ import annotations

import re
import unicodedata

REMNANT = re.compile(r"\\([_%&#$])")          # LaTeX escapes left in a table


def name_key(name: str) -> str:
    """Letters and digits only, lower case, without accents; "+" stays telling. "BraTS 2021" and "brats2021" agree.

    >>> name_key("M&Ms-2"), name_key("MIDOG++"), name_key("BraTS 2021")
    ('mms2', 'midogplusplus', 'brats2021')
    """
    plain = unicodedata.normalize("NFKD", clean_name(name)).casefold().replace("+", "plus")
    return "".join(letter for letter in plain if letter.isalnum())


def clean_name(name: str) -> str:
    """The name without LaTeX remnants, invisible characters and doubled blanks."""
    text = REMNANT.sub(r"\1", name).replace("{'", "'").replace("\u200d", "").replace("\u200b", "").replace("$$", "")
    return " ".join(text.strip(" \\{}").split())


def slug(name: str) -> str:
    """Lower-case words joined by hyphens.

    >>> slug("3D-IRCADb"), slug("ATM'22"), slug("ACRIN 6698/I-SPY2 Breast DWI")
    ('3d-ircadb', 'atm22', 'acrin-6698-i-spy2-breast-dwi')
    """
    plain = unicodedata.normalize("NFKD", clean_name(name)).casefold().replace("+", " plus ").replace("&", " and ")
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"['\u2019]", "", plain).encode("ascii", "ignore").decode()).strip("-") or name_key(name)
