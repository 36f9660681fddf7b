"""Runs inside Schemathesis, not in the tests: what it can't know of an archive.

The file that STRONGROOM_FUZZ names says in JSON: `things`, values for a path's variables by what the path begins with; `hidden`, what
no answer may hold; `short`, whether long bodies are left out; `own`, ids of who asks, whose session is to go on; `log`,
where each call and its status go."""
import json
import os
import zlib

import schemathesis

with open(os.environ["STRONGROOM_FUZZ"]) as f:
    told = json.load(f)


def things(path):
    """The longest beginning counts."""
    found = [begin for begin in told["things"] if path.startswith(begin)]
    return told["things"][max(found, key=len)] if found else {}


def choice(case):
    """A number that is the same for the same request."""
    return zlib.crc32(repr((case.path, case.path_parameters, case.query, case.body)).encode("utf-8", "replace"))


def shorten(schema):
    """Making up thousands of items and characters takes longer than all the rest."""
    if isinstance(schema, dict):
        for name, most in (("maxItems", 3), ("maxLength", 300)):
            if isinstance(schema.get(name), int):
                schema[name] = min(schema[name], most)
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        shorten(inner)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for path in raw_schema["paths"].values() if told["short"] else ():
        for operation in path.values():
            if isinstance(operation, dict):
                shorten(operation.get("requestBody"))
                shorten(operation.get("parameters"))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Every other request is for something that there is: made-up ids are never those of anything."""
    n = choice(case)
    if isinstance(case.path_parameters, dict):
        for name, values in things(case.path).items():
            if name in case.path_parameters and n % 2:
                case.path_parameters[name] = values[n // 2 % len(values)]
        for begin, own in told["own"].items():
            if case.path.startswith(begin) and str(case.path_parameters.get("id")) == own:
                case.path_parameters["id"] = things(case.path)["id"][0]


@schemathesis.hook
def after_call(context, case, response):
    with open(told["log"], "a") as log:
        log.write("%s %s %d\n" % (case.method.upper(), case.path, response.status_code))


@schemathesis.check
def nothing_hidden(ctx, response, case):
    """What the account may not see stands nowhere in the answer."""
    text = response.content + repr(dict(response.headers)).encode()
    for what in told["hidden"]:
        if what.encode() in text:
            raise AssertionError("the answer holds %r, which the account may not see" % what)
