#!/usr/bin/env python3
"""Speaks the texts of prompts.csv into cs/<name>.wav and en/<name>.wav.

    make-prompts.py              make the files that are missing
    make-prompts.py NAME...      make these prompts again, in every language
    make-prompts.py --all        make every prompt again
    make-prompts.py --check      name missing, extra and wrong files; exit 1 if there are any
    make-prompts.py --table      print length, peak and level of every file

A file that exists is never overwritten unless it is named or --all is given,
so studio recordings are safe. The same voices and texts give the same bytes.
"""

import argparse
import array
import csv
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
RATE = 8000  # what a G.711 call needs: FreeSWITCH then neither resamples nor looks further


class Voice(NamedTuple):
    """One language: the Festival voice, how to set it up, and what it mispronounces."""

    name: str
    package: str
    encoding: str
    setup: str
    spoken: dict


VOICES = {
    "cs": Voice(
        "czech_dita",
        "festvox-czech-dita",
        "iso-8859-2",
        # Festival's Czech picks intonation at random otherwise. Both voices are slowed down: digits are written down.
        "(voice_czech_dita) (set! czech-randomize nil) (Parameter.set 'Duration_Stretch 1.1)",
        {
            "ID": "ajdý",
            "PIN": "pin",
            "PINu": "pinu",
            "SMS": "esemes",
            "fiktivní": "fiktyvní",
            "fiktivního": "fiktyvního",
            "koordinátora": "koordynátora",
            "neexistuje": "neegzistuje",
            "nevyřízených hovorů": "nevyřízený chovorů",  # the voice has no "ch-h"
            "sedm": "sedum",
            "osm": "osum",
            "sedmnáct": "sedumnáct",
            "osmnáct": "osumnáct",
            "sedmdesát": "sedumdesát",
            "osmdesát": "osumdesát",
        },
    ),
    "en": Voice(
        "cmu_us_slt_arctic_hts",
        "festvox-us-slt-hts",
        "ascii",
        "(voice_cmu_us_slt_arctic_hts) (set! hts_engine_params (append hts_engine_params '((\"-r\" 0.9))))",
        {"ID": "I D"},
    ),
}
TOOLS = {"festival": "festival", "text2wave": "festival", "sox": "sox"}

# Levels are of full scale (1.0 = 0 dBFS).
LEVEL = 10 ** (-20 / 20)  # RMS while somebody speaks
CEILING = 10 ** (-3 / 20)  # no sample above
SILENCE = 10 ** (-52 / 20)  # a 5 ms frame below is silence at either end
MARGIN = RATE * 20 // 1000  # kept at either end, faded
FRAME = RATE * 20 // 1000  # for measuring the level
LOOK_AHEAD = RATE * 4 // 1000  # of the limiter


class Problem(Exception):
    """Something the user can put right; the message says how."""


def read_table():
    """The prompts as {name: {language: text}}, in the table's order."""
    prompts = {}
    with open(HERE / "prompts.csv", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        if reader.fieldnames != ["name", *VOICES]:
            raise Problem(f"prompts.csv: the header must be name,{','.join(VOICES)}")
        for row in reader:
            where = f"prompts.csv:{reader.line_num}"
            name = row.pop("name")
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
                raise Problem(f"{where}: {name!r} is not a prompt name (a-z, 0-9 and hyphens)")
            if name in prompts:
                raise Problem(f"{where}: {name} is there twice")
            if None in row or not all(text and text.strip() for text in row.values()):
                raise Problem(f"{where}: {name} needs exactly one text for each of {', '.join(VOICES)}")
            prompts[name] = row
    return prompts


def require_tools():
    """Fails with the Debian packages to install when a program or voice is absent."""
    missing = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    known = ""
    if "festival" not in missing:
        known = run(["festival", "-b", "(print (voice.list))"])[0].decode("ascii", "replace")
    missing += [voice.package for voice in VOICES.values() if voice.name not in re.split(r"[\s()]+", known)]
    if missing:
        raise Problem(f"programs or voices are missing: apt-get install {' '.join(missing)}")


def run(command, data=b""):
    """Standard output and standard error of a command that must succeed."""
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise Problem(f"{command[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout, done.stderr.decode("utf-8", "replace")


def speak(text, voice, folder):
    """The text as floating-point samples at RATE, untrimmed."""
    for written, spoken in voice.spoken.items():
        text = re.sub(rf"\b{re.escape(written)}\b", spoken, text)
    try:
        encoded = text.encode(voice.encoding)
    except UnicodeEncodeError as error:
        raise Problem(f"the voice cannot read {text[error.start : error.end]!r} ({voice.encoding})") from error
    source, spoken = folder / "text", folder / "spoken.wav"
    source.write_bytes(encoded)
    _, complaints = run(["text2wave", "-eval", f"(begin {voice.setup})", "-o", str(spoken), str(source)])
    if "default diphone" in complaints:
        # Festival would leave a gap in the word and still report success.
        raise Problem(f"the voice has no sound for part of {text!r}: {complaints.strip()}")
    raw, _ = run(
        ["sox", "-D", str(spoken), "-t", "raw", "-e", "floating-point", "-b", "32", "-L", "-c", "1", "-"]
        # Roughly as a telephone sends (ITU-T P.48): what it does not carry would only take headroom, and
        # without the raised treble the consonants of these voices drown.
        + ["gain", "-12", "rate", "-v", str(RATE), "highpass", "200", "treble", "7", "2000"]
    )
    samples = array.array("f", raw)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def rms(samples):
    return math.sqrt(sum(s * s for s in samples) / len(samples)) if samples else 0.0


def active_level(samples):
    """RMS over the frames in which somebody speaks: those within 25 dB of the loudest."""
    frames = [rms(samples[i : i + FRAME]) for i in range(0, max(1, len(samples) - FRAME + 1), FRAME // 2)]
    spoken = [level for level in frames if level > max(frames) * 10 ** (-25 / 20)]
    return math.sqrt(sum(level * level for level in spoken) / len(spoken)) if spoken else 0.0


def scaled(samples, gain):
    return array.array("d", (s * gain for s in samples))


def trimmed(samples):
    """Without the silence at both ends but for MARGIN, which fades so that chained files do not click."""
    step = RATE * 5 // 1000
    loud = [i for i in range(0, len(samples), step) if rms(samples[i : i + step]) > SILENCE]
    if not loud:
        raise Problem("nothing but silence was spoken")
    first, last = loud[0], min(len(samples), loud[-1] + step)
    pad = array.array("d", bytes(8 * MARGIN))
    cut = (pad + samples + pad)[first : last + 2 * MARGIN]
    for i in range(MARGIN):
        cut[i] *= i / MARGIN
        cut[-1 - i] *= i / MARGIN
    return cut


def limited(samples):
    """No sample above CEILING: a look-ahead limiter, its gain held and smoothed over LOOK_AHEAD to either side."""
    need = [min(1.0, CEILING / abs(s)) if s else 1.0 for s in samples]
    reach = 2 * LOOK_AHEAD
    held = [min(need[max(0, i - reach) : i + reach + 1]) for i in range(len(need))]
    out = array.array("d")
    for i, s in enumerate(samples):
        window = held[max(0, i - LOOK_AHEAD) : i + LOOK_AHEAD + 1]
        out.append(s * sum(window) / len(window))
    return out


def levelled(samples):
    """At LEVEL and below CEILING; repeated because limiting takes a little of the level away."""
    out = samples
    gain = 1.0
    for _ in range(4):
        gain *= LEVEL / active_level(out)
        out = limited(scaled(samples, gain))
    return out


def write_wav(path, samples):
    pcm = array.array("h", (max(-32768, min(32767, round(s * 32767))) for s in samples))
    if sys.byteorder == "big":
        pcm.byteswap()
    # Written aside and renamed: an interrupted run leaves no half file to be played.
    aside = path.with_suffix(".part")
    with wave.open(str(aside), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm.tobytes())
    os.replace(aside, path)


def make(prompts, names, overwrite):
    wanted = [
        (language, name, HERE / language / f"{name}.wav")
        for language in VOICES
        for name in names
        if overwrite or not (HERE / language / f"{name}.wav").exists()
    ]
    if wanted:
        require_tools()
    for language, name, path in wanted:
        path.parent.mkdir(exist_ok=True)
        try:
            with tempfile.TemporaryDirectory() as folder:
                samples = speak(prompts[name][language], VOICES[language], Path(folder))
            spoken = trimmed(scaled(samples, LEVEL / (active_level(samples) or 1.0)))
            write_wav(path, levelled(spoken))
        except Problem as problem:
            raise Problem(f"{language}/{name}: {problem}") from problem
        print(f"made {language}/{name}.wav")
    print(f"{len(wanted)} files made, {len(names) * len(VOICES) - len(wanted)} left as they were")


def read_wav(path):
    """The samples of a file in the right format; a Problem says what is wrong with any other."""
    try:
        with wave.open(str(path), "rb") as file:
            found = (file.getframerate(), file.getnchannels(), 8 * file.getsampwidth())
            frames = file.getnframes()
            data = file.readframes(frames)
    except (wave.Error, EOFError, OSError) as error:
        raise Problem(f"is not a PCM WAV file ({str(error) or 'it ends too early'})") from error
    if found != (RATE, 1, 16):
        raise Problem(f"is {found[0]} Hz, {found[1]} channels, {found[2]} bits; must be {RATE} Hz, 1 channel, 16 bits")
    if len(data) != 2 * frames:
        raise Problem("is cut off: its header promises more than it holds")
    samples = array.array("h", data)
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples or max(map(abs, samples)) < SILENCE * 32768:
        raise Problem("holds only silence")
    return samples


def check(prompts):
    """Prints every missing, extra and wrong file; their number."""
    findings = []
    for language in VOICES:
        folder = HERE / language
        found = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
        expected = {f"{name}.wav" for name in prompts}
        findings += [f"missing  {language}/{name}" for name in sorted(expected - found)]
        # A folder called 8000 would even be played instead: FreeSWITCH looks there first.
        findings += [f"extra    {language}/{name}: not in prompts.csv" for name in sorted(found - expected)]
        for name in sorted(expected & found):
            try:
                read_wav(folder / name)
            except Problem as problem:
                findings.append(f"wrong    {language}/{name}: {problem}")
    print(*findings, sep="\n", end="\n" if findings else "")
    print(f"{len(prompts)} prompts, {len(VOICES)} languages: {len(findings)} problems")
    return len(findings)


def decibels(level):
    return f"{20 * math.log10(level):6.1f}" if level else "  -inf"


def table(prompts):
    print(f"{'file':26} seconds peak_dBFS level_dBFS s/letter")
    for language in VOICES:
        for name, texts in prompts.items():
            samples = [s / 32768 for s in read_wav(HERE / language / f"{name}.wav")]
            seconds = len(samples) / RATE
            letters = sum(map(str.isalnum, texts[language]))
            peak, level = decibels(max(map(abs, samples))), decibels(active_level(samples))
            print(f"{language + '/' + name:26} {seconds:7.2f} {peak:>9} {level:>10} {seconds / letters:8.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help="prompts to make again")
    parser.add_argument("--all", action="store_true", help="make every prompt again")
    parser.add_argument("--check", action="store_true", help="only check the files")
    parser.add_argument("--table", action="store_true", help="only measure the files")
    options = parser.parse_args()
    if sum([bool(options.names), options.all, options.check, options.table]) > 1:
        parser.error("give names, --all, --check or --table")
    try:
        prompts = read_table()
        if options.check:
            return 1 if check(prompts) else 0
        if options.table:
            table(prompts)
            return 0
        unknown = [name for name in options.names if name not in prompts]
        if unknown:
            raise Problem(f"not in prompts.csv: {', '.join(unknown)}")
        make(prompts, options.names or list(prompts), overwrite=bool(options.names) or options.all)
        return 0
    except (Problem, OSError, csv.Error, UnicodeDecodeError) as problem:
        print(f"make-prompts: {problem}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
