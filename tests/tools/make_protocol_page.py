#!/usr/bin/python3
"""Make schemas/protocol.html, the protocol to read, from schemas/asyncapi.yaml and the schemas.

make_protocol_page.py          write it
make_protocol_page.py --check  say whether it is up to date
"""
import html
import json
import os
import re
import sys
from pathlib import Path

import markdown
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "schemas"
PAGE = FOLDER / "protocol.html"
HERE = Path(__file__).parent / "protocol_page"


def prose(text):
    """CommonMark as HTML; tables in a frame that scrolls on a narrow screen."""
    made = markdown.markdown(text or "", extensions=["tables"])
    return made.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")


def phrase(text):
    """One line of CommonMark, without the paragraph around it."""
    return re.sub(r"^<p>|</p>$", "", markdown.markdown(text or ""))


def code(text):
    return f"<code>{html.escape(str(text))}</code>"


def table(heads, rows):
    head = "".join(f"<th>{cell}</th>" for cell in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody></table></div>")


def last(ref):
    """The name that a reference within the document ends in."""
    return ref["$ref"].rsplit("/", 1)[1]


def load(file):
    """A schema, its references made relative to the folder: "request/list.json#/$defs/x"."""

    def rebase(value):
        if isinstance(value, list):
            return [rebase(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {key: absolute(one) if key == "$ref" else rebase(one) for key, one in value.items()}

    def absolute(ref):
        other, mark, pointer = ref.partition("#")
        where = os.path.normpath(os.path.join(os.path.dirname(file), other)) if other else file
        return where + mark + pointer

    return rebase(json.loads((FOLDER / file).read_text()))


def document_of(schema):
    """The file of a schema that is a document of its own (recording.json), or None."""
    ref = schema.get("$ref", "#")
    return None if "#" in ref else ref


def flat(schema):
    """The schema with what it refers to merged in, unless that is a document of its own."""
    if "$ref" not in schema or document_of(schema):
        return schema
    file, _, pointer = schema["$ref"].partition("#")
    target = load(file)
    for key in filter(None, pointer.split("/")):
        target = target[key]
    own = {key: value for key, value in schema.items() if key != "$ref"}
    target = flat(target)
    both = own.get("properties", {}) | target.get("properties", {})
    return {**target, **own} | ({"properties": both} if both else {})


def type_of(schema):
    """Say in a few words what a value may be."""
    if document_of(schema):
        return link_to_schema(document_of(schema))
    schema = flat(schema)
    if "title" in schema:
        return phrase(schema["title"])
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return " ".join(code(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(map(type_of, schema["anyOf"]))
    types = schema.get("type", "anything")
    return " or ".join(word_of(schema, word) for word in ([types] if isinstance(types, str) else types))


def word_of(schema, word):
    if word == "array" and "items" in schema:
        return f"array of {type_of(schema['items'])}"
    bounds = bounds_of(schema) if word in ("integer", "number") else ""
    return {"object": "map", "integer": "whole number"}.get(word, word) + bounds


def bounds_of(schema):
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", at least {least}" if least else ""


def rows_of(schema, above=""):
    """Rows of the table of fields: name, type, whether it must be there, meaning."""
    schema = flat(schema)
    for name, content in schema.get("properties", {}).items():
        field = flat(content)
        needed = "●" if name in schema.get("required", []) else ""
        meaning = phrase(field.get("description"))
        if "default" in content:
            meaning += f" Default: {code(content['default'])}."
        yield [code(above + name), type_of(content), needed, meaning]
        yield from rows_of(field, f"{above}{name}.")
        yield from rows_of(field.get("items", {}), f"{above}{name}[].")


def condition_of(condition):
    """`name` is `value`, for the plain conditions that the schemas use."""
    ((name, content),) = condition["properties"].items()
    return f"Where {code(name)} is {code(content['const'])}"


def branches_of(schema):
    """Yield (heading, schema) of what holds only under a condition."""
    for part in [schema, *schema.get("allOf", [])]:
        condition = part.get("if", {}).get("properties", {})
        if any("const" in content for content in condition.values()):
            for key in ("then", "else"):
                branch = flat(part.get(key, {}))
                heading = condition_of(part["if"]) if key == "then" else "Else"
                yield branch.get("title", heading), branch


def fields(schema):
    """All tables of fields of a schema."""
    parts = []
    if document_of(schema):
        parts.append(f"<p>A {link_to_schema(document_of(schema))}, and:</p>")
    parts += field_table(rows_of(schema))
    for heading, branch in branches_of(flat(schema)):
        rows = list(rows_of(branch))
        if any(row[3] for row in rows):
            parts.append(f"<h4>{heading}</h4>{prose(branch.get('description'))}")
            parts += inherited_data(branch) + field_table(rows)
    return "\n".join(parts)


def field_table(rows):
    rows = list(rows)
    return [table(["field", "type", "needed", ""], rows)] if rows else []


def inherited_data(branch):
    """What `data` takes from a document of its own."""
    document = document_of(flat(branch.get("properties", {}).get("data", {})))
    return [f"<p>{code('data')} is a {link_to_schema(document)}, and:</p>"] if document else []


def examples(schema):
    shown = [f"<pre>{html.escape(pretty(one))}</pre>" for one in schema.get("examples", [])]
    return "<h4>Example</h4>\n" + "\n".join(shown) if shown else ""


def pretty(value, room=88):
    """JSON with what fits into a line in one line."""

    def write(value, indent, lead):
        plain = json.dumps(value, ensure_ascii=False)
        if len(plain) + len(indent) + lead <= room or not isinstance(value, (dict, list)):
            return plain
        inner = indent + "  "
        if isinstance(value, dict):
            members = [f"{inner}{json.dumps(key)}: {write(member, inner, len(key) + 4)}"
                       for key, member in value.items()]
            return "{\n" + ",\n".join(members) + f"\n{indent}}}"
        return "[\n" + ",\n".join(inner + write(one, inner, 0) for one in value) + f"\n{indent}]"

    return write(value, "", 0)


def link_to_schema(file):
    title = load(file)["title"]
    anchor = "schema-" + file.removesuffix(".json").replace("/", "-")
    return f'<a href="#{anchor}">{html.escape(title.lower())}</a>'


class Page:
    """The parts of the page, in the order of the document."""

    def __init__(self, document):
        self.document = document
        self.messages = document["components"]["messages"]

    def operations_on(self, channel):
        return [operation for operation in self.document["operations"].values()
                if last(operation["channel"]) == channel]

    def address(self, channel):
        # The one channel without an address is where its requester says.
        return self.document["channels"][channel]["address"] or "reel/v1/reply/..."

    def topics(self):
        rows = []
        for name, channel in self.document["channels"].items():
            operation = self.operations_on(name)[0]
            mqtt = operation["bindings"]["mqtt"]
            sender = "sink" if operation["action"] == "send" else "recorder, client"
            carries = phrase(channel["description"])
            retained = ", retained" if mqtt["retain"] else ""
            rows.append([code(self.address(name)), sender, f"{mqtt['qos']}{retained}", carries])
        return table(["topic", "sent by", "QoS", "carries"], rows)

    def message_link(self, reference):
        channel, _, name = reference["$ref"].removeprefix("#/channels/").split("/")
        name = last(self.document["channels"][channel]["messages"][name])
        return f'<a href="#message-{name}">{self.messages[name]["title"]}</a>'

    def operations(self):
        parts = []
        for operation in self.document["operations"].values():
            if operation["action"] == "send" or not operation.get("messages"):
                continue
            takes = ", ".join(map(self.message_link, operation["messages"]))
            answers = operation.get("reply", {}).get("messages", [])
            gives = ", ".join(map(self.message_link, answers)) or "none"
            parts.append(f"<h3>{operation['title']}</h3>\n"
                         f"<p>{code(self.address(last(operation['channel'])))}: {takes}. "
                         f"Answer: {gives}.</p>\n{prose(operation.get('description'))}")
        return "\n".join(parts)

    def message(self, name):
        message = self.messages[name]
        parts = [f'<h3 id="message-{name}">{message["title"]}</h3>',
                 f"<p>{phrase(message['summary'])}</p>", prose(message.get("description"))]
        if "contentType" in message:
            parts.append(f"<p>Content Type: {code(message['contentType'])}.</p>")
        for part in ("headers", "payload"):
            file = message.get(part, {}).get("schema", {}).get("$ref", "").removeprefix("./")
            if file:
                parts.append(self.schema(file))
        return "\n".join(filter(None, parts))

    def schema(self, file):
        schema = load(file)
        return "\n".join(filter(None, [
            prose(schema.get("description")), fields(schema), examples(schema),
            f'<p class="source">Schema: <a href="{file}">{file}</a></p>',
        ]))

    def shared(self):
        parts = []
        for file in ("recording.json", "response.json"):
            anchor = "schema-" + file.removesuffix(".json")
            parts.append(f'<h3 id="{anchor}">{load(file)["title"]}</h3>\n{self.schema(file)}')
        return "\n".join(parts)

    def make(self):
        info = self.document["info"]
        values = {
            "TITLE": info["title"],
            "ABOUT": prose(info["description"]),
            "TOPICS": self.topics(),
            "OPERATIONS": self.operations(),
            "SHARED": self.shared(),
            "MESSAGES": "\n".join(map(self.message, self.messages)),
            "STYLE": (HERE / "style.css").read_text().rstrip(),
        }
        frame = (HERE / "frame.html").read_text()
        return re.sub(r"@([A-Z]+)@", lambda found: values[found[1]], frame)


def make():
    return Page(yaml.safe_load((FOLDER / "asyncapi.yaml").read_text())).make()


def main():
    made = make()
    if "--check" not in sys.argv:
        PAGE.write_text(made)
    elif made != PAGE.read_text():
        print(f"{PAGE} is not up to date: run {sys.argv[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
