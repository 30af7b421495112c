"""Makes C++ of a page: its bytes, and the policy that lets nothing but its own script and style run.

    embed.py PAGE.html NAME OUT.cpp
"""

import base64
import hashlib
import re
import sys
from pathlib import Path

BYTES_MAX = 25 * 1024


def condense(page):
    """Without what only readers of the source want: indentation, lines of comments, spaces that mean nothing.

    Texts within the page's script therefore have no operators between spaces.
    """
    lines = (line.strip() for line in page.splitlines())
    page = "\n".join(line for line in lines if line and not line.startswith(("// ", "/* "))) + "\n"
    head, style, rest = re.split(r"(?<=<style>)|(?=</style>)", page)
    style = re.sub(r"\s*([{};:,])\s*", r"\1", style).replace(";}", "}")
    rest = re.sub(r"(?<=[{,;])\n", "", rest)
    return head + style + re.sub(r" (=>|=|[!=]==|&&|\|\|) ", r"\1", rest)


def source_hash(page, tag):
    """What Content-Security-Policy names the one inline element of this tag by."""
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    if len(found) != 1:
        sys.exit(f"a page has one <{tag}>, this one has {len(found)}")
    return "'sha256-" + base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode() + "'"


def literal(text):
    """As C++: octal escapes, which end after three digits, for all that is not plain."""
    escaped = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}" for byte in text.encode())
    pieces = re.findall(r"(?:\\...|[^\\]){1,100}", escaped)
    return "\n".join(f'    "{piece}"' for piece in pieces)


def main():
    source, name, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    page = condense(source.read_text())
    if len(page.encode()) > BYTES_MAX:
        sys.exit(f"{source} has {len(page.encode())} bytes, at most {BYTES_MAX}")
    policy = "; ".join(["default-src 'none'", f"script-src {source_hash(page, 'script')}",
                        f"style-src {source_hash(page, 'style')}", "connect-src 'self'", "img-src data:",
                        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
    out.write_text(f'#include "core/rpc/pages/{name}.hpp"\n\nnamespace masu::core::rpc::pages {{\n\n'
                   f"constinit const std::string_view {name} =\n{literal(page)};\n\n"
                   f"constinit const std::string_view {name}_policy =\n{literal(policy)};\n\n"
                   "}  // namespace masu::core::rpc::pages\n")


main()
