"""Style as a test: layers, headers that compile alone, sizes, format. Each rule over each file is one check."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What a folder may include besides itself, alloc and multiformats: the layers of docs/ARCHITECTURE.md.
LAYERS = {
    "alloc": set(),
    "multiformats": {"alloc"},
    "net": set(),
    "store": set(),
    "http": set(),
    "dht": {"net", "store", "http"},
    "bitswap": {"net", "store", "http"},
    "unixfs": {"store"},
    "core": {"net", "store", "http", "dht", "bitswap", "unixfs"},
}
# Headers of net that a protocol above it may see: messages and peers, never a transport.
# In net itself, Asio lies in the drivers: TCP, and DNS.
NET_DRIVERS = ("net/transport/", "net/dns/")
NO_ASIO = ["alloc", "multiformats", "store", "bitswap", "dht", "unixfs"]
LINES_MAX = 600
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
FORBIDDEN_TEXT = re.compile(r"\bTODO\b|\bFIXME\b|\bXXX\b")


def sources(*suffixes):
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    return [Path(name) for name in listed if name.endswith(suffixes) and (ROOT / name).exists()]


def layer_errors(path):
    folder = path.parts[0]
    if folder not in LAYERS:
        return []
    allowed = LAYERS[folder] | {folder}
    if folder != "alloc":
        allowed |= {"alloc", "multiformats"} if folder != "multiformats" else {"alloc"}
    errors = []
    for quote, name in INCLUDE.findall((ROOT / path).read_text()):
        first = name.split("/")[0]
        if quote == '"' and first in LAYERS and first not in allowed:
            errors.append(f"{path}: {folder} may not include {name}")
        driver = folder == "net" and str(path).startswith(NET_DRIVERS)
        if name.startswith(("boost/asio", "boost/beast")) and (folder in NO_ASIO or folder == "net" and not driver):
            errors.append(f"{path}: {folder} knows no Asio ({name})")
    return errors


def size_errors(path):
    lines = len((ROOT / path).read_text().splitlines())
    return [f"{path}: {lines} lines, at most {LINES_MAX}"] if lines > LINES_MAX else []


def text_errors(path):
    return [f"{path}:{number}: unfinished: {line.strip()}"
            for number, line in enumerate((ROOT / path).read_text().splitlines(), 1) if FORBIDDEN_TEXT.search(line)]


def header_errors(path):
    flags = subprocess.run(["pkg-config", "--cflags", "libcrypto", "libsodium", "protobuf-lite"], capture_output=True,
                           text=True, check=True).stdout.split()
    result = subprocess.run(["g++", "-std=c++23", "-fsyntax-only", "-I.", *flags, "-x", "c++", str(path)], cwd=ROOT,
                            capture_output=True, text=True)
    return [f"{path} does not compile alone:\n{result.stderr[:1500]}"] if result.returncode else []


def format_errors(path):
    result = subprocess.run(["clang-format-19", "--dry-run", "--Werror", str(path)], cwd=ROOT, capture_output=True)
    return [f"{path}: not formatted (clang-format-19 -i)"] if result.returncode else []


def main():
    code, headers = sources(".cpp", ".hpp"), sources(".hpp")
    own = [path for path in headers if path.parts[0] in LAYERS]
    work = [(layer_errors, path) for path in code] + [(size_errors, path) for path in code]
    work += [(text_errors, path) for path in code] + [(format_errors, path) for path in code]
    work += [(header_errors, path) for path in own]
    passed = failed = 0
    with ThreadPoolExecutor(2) as pool:
        for errors in pool.map(lambda item: item[0](item[1]), work):
            if errors:
                failed += 1
                print("\n".join(errors))
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
