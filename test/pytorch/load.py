"""Loads state dicts that the package wrote into torch modules, and writes what those make of an input.

Reads JSON from standard input: a list of { kind, arguments, weights, input, output }, the last three names of files.
Prints a line for each: what load_state_dict returned, and the metadata of the file.
"""

import json
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures"))
sys.dont_write_bytecode = True

from generators.modules import build  # noqa: E402
from generators.safetensors import dump, load  # noqa: E402


def read(path):
    with open(path, "rb") as file:
        return load(file.read())


for task in json.load(sys.stdin):
    state, metadata = read(task["weights"])
    inputs, _ = read(task["input"])
    module = build(task["kind"], task["arguments"]).double()
    print(module.load_state_dict(state), metadata)
    result = module(inputs["x"].double()).detach()
    with open(task["output"], "wb") as file:
        file.write(dump({"y": result}))
