"""Random documents and what libxml2 (through lxml) makes of them by exclusive canonicalisation.

Writes JSON lines: document, ID of the element, prefix list, canonical form. The seed is the first argument, the number
of documents the second.
"""

import json
import random
import sys

from lxml import etree

NAMES = ["a", "b", "c", "Assertion", "x-y", "_z", "é"]
PREFIXES = ["", "p", "q", "saml", "xs"]
# No `&`: libxml2 leaves it unescaped in namespace names, against Canonical XML 1.0 §2.3.
URIS = ["urn:one", "urn:two", "urn:three", "http://example/ns?x=1"]
TEXTS = [
    "", "text", " ", "\n", "\t", "\r\n", "\r", "&amp;", "&lt;", "&gt;", ">", "&#13;", "&#x9;", "&#xA;", "&quot;", "'", "é€😀",
    "<![CDATA[raw <x> & y]]>", "<![CDATA[a\r\nb\r]]>", "<![CDATA[]]>", "]] >", "&apos;&#60;",
]
VALUES = ["", "v", "a b", "tab\there", "line\nend", "cr\r\nlf", "cr\ralone", "&#9;", "&#10;", "&#13;", "&lt;", "&amp;", "&quot;", ">", "é😀", "'"]


class Maker:
    def __init__(self, rng):
        self.rng, self.count = rng, 0

    def element(self, depth, scope):
        rng = self.rng
        scope, declared, attributes = dict(scope), {}, []
        for _ in range(rng.choice([0, 0, 1, 2, 3])):
            prefix = rng.choice(PREFIXES)
            declared[prefix] = rng.choice(URIS) if prefix or rng.random() < 0.7 else ""
        scope.update(declared)
        for prefix, uri in declared.items():
            attributes.append(f'xmlns{":" if prefix else ""}{prefix}="{uri}"')
        prefix = rng.choice([p for p in scope if p] + [""])
        name = (prefix + ":" if prefix else "") + rng.choice(NAMES)
        seen = set()
        for _ in range(rng.choice([0, 0, 1, 2, 4])):
            at = rng.choice([p for p in scope if p] + ["", "", "xml"])
            local = rng.choice(["k", "l", "m", "n"]) if at != "xml" else rng.choice(["lang", "space"])
            key = (scope.get(at, at) if at else "", local)
            if key in seen:
                continue
            seen.add(key)
            quote = rng.choice("\"'")
            value = "".join(rng.choice(VALUES) for _ in range(rng.randint(0, 2))).replace(quote, "&#34;" if quote == '"' else "&#39;")
            if key[1] == "space":
                value = rng.choice(["default", "preserve"])
            if key[1] == "lang":
                value = "de"
            attributes.append(f'{at + ":" if at else ""}{local}={rng.choice(["", " "])}{quote}{value}{quote}')
        self.count += 1
        attributes.append(f'ID="n{self.count}"')
        rng.shuffle(attributes)
        open_tag = "<" + name + "".join(rng.choice([" ", "\n ", "\t"]) + a for a in attributes) + rng.choice(["", " ", "\n"])
        inside = ""
        if depth:
            for _ in range(rng.randint(0, 4)):
                inside += rng.choice(TEXTS) if rng.random() < 0.5 else self.element(depth - 1, scope)
        if not inside and rng.random() < 0.5:
            return open_tag + "/>"
        return f"{open_tag}>{inside}</{name}{rng.choice(['', ' '])}>"


def main(seed, number):
    rng = random.Random(seed)
    parser = etree.XMLParser(resolve_entities=False, strip_cdata=False, remove_blank_text=False)
    # lxml leaves out a prefix that its dictionary has not met; the name of a namespace makes it meet one.
    etree.fromstring('<a xmlns:z="#default"/>', parser)
    for _ in range(number):
        maker = Maker(rng)
        document = rng.choice(["", '<?xml version="1.0" encoding="UTF-8"?>\n']) + maker.element(4, {"": ""})
        if len(document.encode()) > 48 * 1024:
            continue
        root = etree.fromstring(document.encode(), parser)
        apex = rng.choice(list(root.iter()))
        prefixes = [p or "#default" for p in rng.sample(PREFIXES, rng.choice([0, 0, 1, 2]))]
        out = etree.tostring(apex, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes or None)
        print(json.dumps([document, apex.get("ID"), prefixes, out.decode()]))


main(int(sys.argv[1]), int(sys.argv[2]))
