"""Read the wording of a licence: any text goes in, an SPDX id or `LicenseRef-*` with flags comes out; unknown stays unknown."""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import replace
from functools import cache
from pathlib import Path

from isocenter.registry.licenses import FLAGS, License, forbidding

FACTS = Path(__file__).parent / "facts"
LONGEST = 2000  # characters; a licence is named in its first lines
CC_VERSIONS = ("1.0", "2.0", "2.5", "3.0", "4.0")
CC_ELEMENTS = {frozenset(parts): "-".join(("BY", *parts)) for parts in ((), ("SA",), ("NC",), ("ND",), ("NC", "SA"), ("NC", "ND"))}
PORTED = frozenset({
    "CC-BY-2.5-AU", "CC-BY-3.0-AT", "CC-BY-3.0-AU", "CC-BY-3.0-DE", "CC-BY-3.0-IGO", "CC-BY-3.0-NL", "CC-BY-3.0-US", "CC-BY-NC-3.0-DE",
    "CC-BY-NC-ND-3.0-DE", "CC-BY-NC-ND-3.0-IGO", "CC-BY-NC-SA-2.0-DE", "CC-BY-NC-SA-2.0-FR", "CC-BY-NC-SA-2.0-UK", "CC-BY-NC-SA-3.0-DE",
    "CC-BY-NC-SA-3.0-IGO", "CC-BY-ND-3.0-DE", "CC-BY-SA-2.0-UK", "CC-BY-SA-3.0-AT", "CC-BY-SA-3.0-DE", "CC-BY-SA-3.0-IGO",
})


def parse_license(text: str | None) -> License:
    """The licence that a text names.

    Reviewed strings (`facts/license_string.csv`) first, then Creative Commons in any spelling, then well-known licences, then what
    the words say (non-commercial, research only, no redistribution …). A host ("tcia") is no licence, and a version that does not
    exist is dropped. Nothing recognisable gives NOASSERTION for empty words, or a `LicenseRef-` made of the words, all flags unknown.
    """
    plain = _plain((text or "")[:LONGEST])
    if reviewed := _reviewed().get(plain):
        return reviewed
    if not plain or re.fullmatch(NOTHING, plain):
        return known("NOASSERTION")
    return _creative_commons(plain) or _well_known(plain) or _agreement(plain) or _from_words(plain)


def known(license_id: str) -> License:
    """The licence of that id with its flags; an id that is not on file has every flag unknown."""
    found = _licenses().get(license_id) or _from_cc_id(license_id)
    return found or License(license_id)


def known_ids() -> list[str]:
    """The ids of all licences on file."""
    return sorted(_licenses())


@cache
def _licenses() -> dict[str, License]:
    with (FACTS / "license.csv").open(encoding="utf-8", newline="") as stream:
        return {row["license_id"]: License(row["license_id"], **{flag: row[flag] for flag in FLAGS}, note=row["note"]) for row in csv.DictReader(stream)}  # type: ignore[arg-type]


@cache
def _reviewed() -> dict[str, License]:
    with (FACTS / "license_string.csv").open(encoding="utf-8", newline="") as stream:
        return {_plain(row["string"]): _reviewed_as(row) for row in csv.DictReader(stream)}


def _reviewed_as(row: dict[str, str]) -> License:
    licence = _narrowed(known(row["license_id"]), _plain(row["string"]))
    return replace(licence, note=row["note"] or licence.note)


def _plain(text: str) -> str:
    """Lower case, one space between words, one kind of dash and quote."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = re.sub(r"[‐-―−]", "-", folded)
    return re.sub(r"\s+", " ", folded).strip(" \t\"'`.;,\\")


NOTHING = (r"-+|–|n/?a|nan|null|none|nil|\?+|\(empty\)|unknown|unclear|tbd|no licen[cs]e|not (stated|specified|given|provided|mentioned|found|available|allowed)"
           r"|unspecified|no(t)? (information|assertion)|noassertion|(does not have|no) (copyright|licen[cs]e) information|无|未知|未说明")

# --- Creative Commons -------------------------------------------------------------------------------------------------------

CC_WORDS = (
    (r"creative[\s_-]*commons", "cc"), (r"non[\s_-]*commercial|noncom\b", "nc"),
    (r"no[\s_-]*deriv(ative|s)?(ative)?s?([\s_-]*works?)?|non[\s_-]*derivatives?", "nd"), (r"share[\s_-]*alike", "sa"),
    (r"\battribution\b", "by"), (r"\b(versions?|ver|v)\.?\s*(?=\d)", ""),
)
CC_MENTION = re.compile(
    r"(?<![a-z])(?P<cc>cc[\s:_/-]*)?(?P<early>\d(?:[.-]\d)?\s*\(?)?(?:(?P<by>by)|(?=n[cd]|sa))(?P<elements>(?:[\s,;_/+&-]*(?:and\s)?(?:nc|nd|sa)(?![a-z]))*)"
    r"(?:[\s:_/()-]*(?:licen[cs]e|public|international)?[\s:_/(v-]*(?P<version>\d(?:[.\-_]\d)?)(?![\d]))?"
    r"(?:[\s,/_-]*(?:unported|international|generic|intl?)?[\s,/_(-]*(?P<port>igo|us|uk|de|at|au|nl|fr)(?![a-z]))?"
)
ZERO = re.compile(r"\bcc[\s_-]*0\b|\bcc[\s_-]*zero\b|publicdomain/zero|\bcc0")


def _creative_commons(plain: str) -> License | None:
    """One Creative Commons licence, however it is spelt; several different ones vary by item."""
    text = re.sub(r"https?://(www\.)?", " ", plain).replace("creativecommons.org/licenses/", "cc-")
    for pattern, word in CC_WORDS:
        text = re.sub(pattern, word, text)
    text = re.sub(r"(?<=cc)(?=by)|(?<=by)(?=n[cd]|sa)|(?<=nc)(?=n[cd]|sa)|(?<=n[cd])(?=sa|nd)", "-", text)
    found = [one for match in CC_MENTION.finditer(text) if (one := _cc_of(match))]
    if ZERO.search(text) or "publicdomain/zero" in plain:
        found.append(known("CC0-1.0"))
    names = {licence.id for licence in found}
    versioned = {name for name in names if not name.endswith("-unversioned")}
    if len({_cc_terms(name) for name in names}) > 1 or len(versioned) > 1 or (names and PARTIAL.search(plain)):
        return known("LicenseRef-Varies")
    if names:
        return _with_rest(next(licence for licence in found if not versioned or licence.id in versioned), _rest(text))
    return known("LicenseRef-CC-unspecified") if re.fullmatch(r"(the )?cc([\s-]licen[cs]ed?)?", text) else None


def _rest(text: str) -> str:
    """The text without its Creative Commons mentions, in words again."""
    return re.sub(r"\bnc\b", "non-commercial", CC_MENTION.sub(lambda match: " " if _cc_of(match) else match[0], text))


def _with_rest(licence: License, rest: str) -> License:
    """What stands beside a Creative Commons licence can only take away: another licence makes it vary, an agreement leaves it open."""
    if re.search(r"\b(mit|apache|a?l?gpl|bsd|odbl|odc)\b", rest):
        return known("LicenseRef-Varies")
    if re.search(SAYS["agreement"], rest):
        granted = [flag for flag in ("commercial", "redistribution") if getattr(licence, flag) == "yes"]
        licence = forbidding(licence, granted, "unknown", "an agreement stands beside the licence")
    return _narrowed(licence, rest)



PARTIAL = re.compile(r"\bper (image|item|file|case|collection|source|subset)\b|under (the )?(source|original) (terms|licen)|\bvar(ies|y|ious)\b|\(masks?\b|\(annotations?\b|\(images?\b")


def _cc_of(match: re.Match[str]) -> License | None:
    elements = frozenset(re.findall(r"nc|nd|sa", match["elements"] or ""))
    if not match["cc"] and not (match["by"] and (elements or (match["version"] and match.start() == 0))):
        return None
    if not match["by"] and not elements:
        return None
    parts = frozenset(part.upper() for part in elements)
    if parts >= {"SA", "ND"}:
        return replace(known("LicenseRef-CC-unspecified"), derivatives="no", note="share-alike and no-derivatives exclude each other")
    version = re.sub(r"[-_]", ".", match["version"] or _early(match["early"]))
    version = f"{version}.0" if version.isdigit() else version
    name = CC_ELEMENTS[parts]
    if version not in CC_VERSIONS:
        licence = _cc(f"LicenseRef-CC-{name}-unversioned", parts)
        return replace(licence, note=f"Creative Commons has no version {version}" if version else "version not stated")
    ported = f"CC-{name}-{version}-{(match['port'] or '').upper()}"
    return _cc(ported if ported in PORTED else f"CC-{name}-{version}", parts)


def _early(text: str | None) -> str:
    return re.sub(r"[^\d.-]", "", text or "")


def _cc(license_id: str, parts: frozenset[str]) -> License:
    """Flags follow from the elements (Creative Commons legal code, sections 2 and 3)."""
    return License(
        license_id, use="yes", commercial="no" if "NC" in parts else "yes", derivatives="no" if "ND" in parts else "yes",
        redistribution="yes", share_alike="yes" if "SA" in parts else "no", attribution="yes",
    )


def _cc_terms(license_id: str) -> str:
    return license_id.removeprefix("LicenseRef-").removesuffix("-unversioned").rsplit("-", 1)[0] if re.search(r"\d$", license_id) else (
        license_id.removeprefix("LicenseRef-").removesuffix("-unversioned"))


def _from_cc_id(license_id: str) -> License | None:
    match = re.fullmatch(r"(?:LicenseRef-)?CC-(BY(?:-NC)?(?:-ND|-SA)?)(?:-(?:unversioned|\d\.\d(?:-[A-Z]{2,3})?))", license_id)
    return _cc(license_id, frozenset(match[1].split("-")[1:])) if match else None


# --- other well-known licences ----------------------------------------------------------------------------------------------

WELL_KNOWN = (
    (r"cc[\s-]*pdm|public domain mark|.*publicdomain/mark.*", "LicenseRef-PublicDomain"),
    (r"(in (the )?|released (to|into) the )?public[\s-]*domain( \(.*\))?", "LicenseRef-PublicDomain"),
    (r"(u\.?s\.? )?government works?", "LicenseRef-PublicDomain"),
    (r"pddl|.*public domain dedication and licen[cs]e.*|odc[\s-]*pddl.*", "PDDL-1.0"),
    (r"odc[\s-]*by.*|.*open data commons attribution.*", "ODC-By-1.0"),
    (r"dbcl.*|(the )?database contents licen[cs]e.*", "DbCL-1.0"),
    (r"odbl.*|odc[\s-]*odbl.*|(.*\b)?open database licen[cs]e.*|database: open database, contents: database contents", "ODbL-1.0"),
    (r"(?=.*modified).*apache.*", "LicenseRef-Modified-Apache"),
    (r"(the )?apache[\s-]*(software )?(licen[cs]e)?[\s,-]*(version |v)?2(\.0)?( licen[cs]e)?|apache", "Apache-2.0"),
    (r"(the )?mit([\s-]licen[cs]e)?", "MIT"), (r"(the )?expat licen[cs]e", "MIT"), (r"isc( licen[cs]e)?", "ISC"),
    (r"bsd[\s-]*(licen[cs]e )?\(?3([\s-]clause)?\)?([\s-]*(new|revised))?( licen[cs]e)?|3[\s-]clause bsd.*|(new|revised) bsd.*", "BSD-3-Clause"),
    (r"bsd[\s-]*2([\s-]clause)?( licen[cs]e)?|2[\s-]clause bsd.*|simplified bsd.*", "BSD-2-Clause"),
    (r"bsd( licen[cs]e)?", "LicenseRef-BSD-unversioned"), (r"(the )?unlicense", "Unlicense"), (r"mpl[\s-]*2(\.0)?", "MPL-2.0"),
    (r"(community data licen[cs]e agreement|cdla)[\s-]*permissive[\s-]*(version )?1(\.0)?", "CDLA-Permissive-1.0"),
    (r"(community data licen[cs]e agreement|cdla)[\s-]*permissive([\s-]*(version )?2(\.0)?)?", "CDLA-Permissive-2.0"),
    (r"(community data licen[cs]e agreement|cdla)[\s-]*sharing([\s-]*(version )?1(\.0)?)?", "CDLA-Sharing-1.0"),
    (r"c-uda([\s-]*1(\.0)?)?|computational use of data agreement.*", "C-UDA-1.0"), (r"etalab[\s-]*2(\.0)?", "etalab-2.0"),
    (r"(uk )?open government licen[cs]e( v?3(\.0)?)?|ogl[\s-]*(uk[\s-]*)?3(\.0)?", "OGL-UK-3.0"),
)
GNU = re.compile(r"(?P<kind>agpl|lgpl|gpl|gnu (?P<word>affero |lesser )?(general )?public licen[cs]e|gnu gpl)[\s,-]*(licen[cs]e)?[\s,-]*(version |v)?(?P<version>\d(\.\d)?)?(?P<later>\+|[\s-]or[\s-]later)?([\s-]only)?( licen[cs]e)?")
GNU_NAMES = {"agpl": "AGPL", "lgpl": "LGPL", "affero ": "AGPL", "lesser ": "LGPL"}
GNU_VERSIONS = {"GPL": ("1.0", "2.0", "3.0"), "LGPL": ("2.0", "2.1", "3.0"), "AGPL": ("1.0", "3.0")}


def _well_known(plain: str) -> License | None:
    text = re.sub(r"https?://(www\.)?(opensource\.org/licenses?/|spdx\.org/licenses/|opendatacommons\.org/licenses/|gnu\.org/licenses/|apache\.org/licenses/)", "", plain)
    text = re.sub(r"(\.html|\.txt|/)+$", "", text).replace("license-2.0", "apache-2.0")
    for name in _licenses():
        if text == name.casefold():
            return known(name)
    for pattern, name in WELL_KNOWN:
        if re.fullmatch(pattern, text):
            return known(name)
    return _gnu(text)


def _gnu(text: str) -> License | None:
    match = GNU.fullmatch(text)
    if not match:
        return None
    kind = GNU_NAMES.get(match["word"] or match["kind"], "GPL")
    version = match["version"] or ""
    version = f"{version}.0" if version.isdigit() else version
    if version not in GNU_VERSIONS[kind]:
        return replace(known("LicenseRef-GPL-unversioned"), id=f"LicenseRef-{kind}-unversioned")
    return replace(known("GPL-3.0-only"), id=f"{kind}-{version}-{'or-later' if match['later'] else 'only'}")


# --- agreements known by name -----------------------------------------------------------------------------------------------

AGREEMENTS = (
    (r"nctn|ncorp", "LicenseRef-NCTN-NCORP"), (r"nih controlled|\bdbgap\b|controlled access", "LicenseRef-NIH-Controlled"),
    (r"tcia.*(restricted|limited)", "LicenseRef-TCIA-Restricted"), (r"(the )?(tcia|cancer imaging archive).{0,40}", "LicenseRef-TCIA-unspecified"),
    (r"\badni\b", "LicenseRef-ADNI-DUA"), (r"stanford|\baimi\b", "LicenseRef-Stanford-AIMI-RUA"), (r"\boasis\b", "LicenseRef-OASIS-DUA"),
    (r"\bbimcv\b", "LicenseRef-BIMCV-RUA"), (r"\bhcp\b|human connectome", "LicenseRef-HCP-OpenAccess"), (r"\bscin\b", "LicenseRef-SCIN"),
    (r"uk ?biobank", "LicenseRef-UKBiobank-MTA"), (r"limited to the (competition|challenge)|only (for )?(this|the) (challenge|competition)", "LicenseRef-ChallengeOnly"),
    (r"\bkaggle\b|competition rules?|competition terms", "LicenseRef-Kaggle-Competition"),
)
PHYSIONET = re.compile(r"physionet.*?(credentialed|restricted|contributor).*?(\d+\.\d+(?:\.\d+)?)?$")


def _agreement(plain: str) -> License | None:
    if match := PHYSIONET.search(plain):
        base = known(f"LicenseRef-PhysioNet-{match[1].title()}-1.5.0")
        return replace(base, id=f"LicenseRef-PhysioNet-{match[1].title()}-{match[2] or 'unversioned'}")
    for pattern, name in AGREEMENTS:
        if re.fullmatch(pattern, plain) if "{" in pattern else re.search(pattern, plain):
            return _narrowed(known(name), plain)
    return None


# --- what the words say -----------------------------------------------------------------------------------------------------

SAYS = {
    "commercial-open": r"(can be|may be|is) licen[cs]ed for commercial|commercial (use )?(is )?(allowed|permitted|possible|licen[cs]e)|(?<!非)允许商[业用]|^commercial( use)?$",
    "non-commercial": r"non[\s-]*commercial|no commercial|not[\w\s]{0,20}commercial|commercial (use|purposes?)( is| are)? (not|prohibit|forbid|exclude|need|require)|without commercial|(prohibit|forbid)\w*[\w\s]{0,20}commercial|non[\s-]*profit|非商[业用]|禁止商[业用]|不得商[业用]|不[可能允]\w*商[业用]",
    "no-redistribution": r"no(t)? (be )?(re-?)?distribut|no redistribut|no sharing|not (be )?shared?|(prohibit|forbid)\w*[\w\s]{0,20}(redistribut|sharing)|redistribution (is )?(not|prohib|forbid)|禁止(再)?(分发|传播)|不得(再)?(分发|传播)",
    "no-derivatives": r"no deriv|no modif|not (be )?(modified|altered)|unmodified",
    "challenge": r"(challenge|competition)( participants?| use| purposes?)? only|only[\w\s]{0,20}(challenge|competition)|仅限?(比赛|竞赛|挑战)",
    "academic": r"academi|学术", "research": r"research|scientific|education|teaching|study purposes|科研|研究|教[育学]",
    "agreement": r"agreement|\bdua\b|\brua\b|\bmta\b|sign(ed|ing)?\b|协议|签署|data use (terms|conditions)", "contact": r"contact|(up)?on request|ask the|by request|联系|申请",
    "custom": r"custom|specific|own terms|other|proprietary|see (the )?(web|page|description)|自定义|其他", "open": r"^(the )?(open|open[\s-]access|public|pubilc|publicly available|free|freely available|free to use|free access)( data| access| use| dataset| license)?$|公开|免费|开放",
    "reserved": r"©|\(c\)|copyright|all rights reserved|original authors|版权",
}
NAMED = (
    (("challenge",), "LicenseRef-ChallengeOnly"), (("academic", "no-redistribution"), "LicenseRef-Academic-NoRedistribution"),
    (("research", "no-redistribution"), "LicenseRef-Research-NoRedistribution"),
    (("non-commercial", "no-redistribution"), "LicenseRef-NonCommercial-NoRedistribution"), (("research",), "LicenseRef-Research-Education"),
    (("academic",), "LicenseRef-Academic"), (("non-commercial",), "LicenseRef-NonCommercial"), (("commercial-open",), "LicenseRef-CommercialLicensable"),
    (("no-redistribution",), "LicenseRef-NoRedistribution"), (("agreement",), "LicenseRef-DUA"), (("contact",), "LicenseRef-ContactOwner"),
    (("custom",), "LicenseRef-Custom"), (("reserved",), "LicenseRef-AllRightsReserved"), (("open",), "LicenseRef-Unclear-Public"),
)


def _said(plain: str) -> set[str]:
    said = {name for name, pattern in SAYS.items() if re.search(pattern, plain)}
    return said - {"commercial-open"} if "non-commercial" in said else said


def _from_words(plain: str) -> License:
    said = _said(plain)
    if {"commercial-open", "research"} <= said:
        said.discard("research")
    for words, name in NAMED:
        if said.issuperset(words):
            return _narrowed(known(name), plain)
    return License("LicenseRef-" + (re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60] or "Other"), note="not recognised; read the terms")


def _narrowed(licence: License, plain: str) -> License:
    """Prohibitions that the words state are kept, whatever the id says; a stated permission stays unknown until the terms are read."""
    said = _said(plain)
    worded = {"non-commercial": "commercial", "no-redistribution": "redistribution", "no-derivatives": "derivatives"}
    return forbidding(licence, [flag for words, flag in worded.items() if words in said])
