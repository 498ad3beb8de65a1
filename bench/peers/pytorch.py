"""PyTorch on one thread: reads a request per line, answers with a line, times itself.

Numbers are exchanged as raw float32 files in the folder given as the only argument.
"""

import json
import os
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

FOLDER = sys.argv[1]
torch.set_num_threads(1)
torch.set_grad_enabled(False)


def read(name, shape):
    return np.fromfile(os.path.join(FOLDER, name), dtype=np.float32).reshape(shape)


def write(name, tensor):
    tensor.detach().contiguous().numpy().tofile(os.path.join(FOLDER, name))


def blas():
    """The library that multiplies matrices, from what this process has loaded."""
    torch.mm(torch.ones(8, 8), torch.ones(8, 8))
    with open("/proc/self/maps") as maps:
        paths = {line.split()[-1] for line in maps if "blas" in line}
    names = sorted(os.path.basename(os.path.realpath(path)) for path in paths)
    return ", ".join(names) or "no BLAS"


class LayerCalls:
    """One layer: each call returns its results by name."""

    def __init__(self, data):
        layer, shapes = data["layer"], data["shapes"]
        dims = layer["dims"]
        self.transposed = layer.get("kind") != "conv"
        self.function = getattr(F, f"conv_transpose{dims}d" if self.transposed else f"conv{dims}d")
        self.numbers = read("input", shapes["input"])
        self.input = torch.from_numpy(self.numbers.copy())
        self.weight = torch.from_numpy(read("weight", shapes["weight"]))
        self.grad_output = torch.from_numpy(read("gradOutput", shapes["output"]))
        names = ["stride", "padding", "dilation", "groups"]
        self.options = {name: layer[name] for name in names}
        if self.transposed:
            self.options["output_padding"] = layer["outputPadding"]

    def forward(self, x):
        return self.function(x, self.weight, **self.options)

    def backward(self, wants_input, wants_weight):
        """What autograd calls, without its bookkeeping."""
        o = self.options
        padding_after = o.get("output_padding", [0] * len(o["stride"]))
        gradients = torch.ops.aten.convolution_backward(
            self.grad_output, self.input, self.weight, None, o["stride"], o["padding"], o["dilation"],
            self.transposed, padding_after, o["groups"], [wants_input, wants_weight, False],
        )
        return gradients[:2]

    def end_to_end(self):
        x = torch.from_numpy(self.numbers.copy())
        return {"output": torch.from_numpy(self.forward(x).numpy().copy())}

    def resident(self):
        return {"output": self.forward(self.input)}

    def grad_input(self):
        return {"gradInput": self.backward(True, False)[0]}

    def grad_weight(self):
        return {"gradWeight": self.backward(False, True)[1]}

    def forward_backward(self):
        output = self.forward(self.input)
        grad_input, grad_weight = self.backward(True, True)
        return {"output": output, "gradInput": grad_input, "gradWeight": grad_weight}

    def calls(self):
        return {
            "endToEnd": self.end_to_end,
            "resident": self.resident,
            "gradInput": self.grad_input,
            "gradWeight": self.grad_weight,
            "forwardBackward": self.forward_backward,
        }


class Generator:
    """Transposed convolutions with an activation behind each; a step is forward, backward and Adam."""

    def __init__(self, data):
        modules = []
        for index, layer in enumerate(data["layers"]):
            names = ["stride", "padding", "dilation", "groups"]
            module = torch.nn.ConvTranspose2d(
                layer["cin"], layer["cout"], layer["kernel"], bias=False, **{name: layer[name] for name in names}
            )
            module.weight.copy_(torch.from_numpy(read(f"weight{index}", module.weight.shape)))
            is_last = index == len(data["layers"]) - 1
            modules += [module, torch.nn.Tanh() if is_last else torch.nn.ReLU()]
        self.net = torch.nn.Sequential(*modules)
        self.adam = torch.optim.Adam(self.net.parameters(), **data["adam"])
        self.input = torch.from_numpy(read("input", data["inputShape"]))
        self.grad_output = torch.from_numpy(read("gradOutput", data["outputShape"]))

    @torch.enable_grad()
    def step(self):
        self.adam.zero_grad()
        output = self.net(self.input)
        output.backward(self.grad_output)
        self.adam.step()
        gradients = {f"grad{i}": p.grad for i, p in enumerate(self.net.parameters())}
        return {"output": output, **gradients}

    def calls(self):
        return {"step": self.step}


KINDS = {"layer": LayerCalls, "generator": Generator}


def main():
    calls, last = {}, {}
    print(json.dumps({"reply": f"{torch.__version__}, {blas()}"}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        reply = None
        try:
            if request["do"] == "open":
                calls, last = KINDS[request["problem"]["kind"]](request["problem"]).calls(), {}
                reply = list(calls)
            elif request["do"] == "time":
                last = {}
                started = time.perf_counter()
                last = calls[request["call"]]()
                reply = 1000 * (time.perf_counter() - started)
            elif request["do"] == "results":
                for name, tensor in last.items():
                    write(name, tensor)
                reply = list(last)
            else:
                calls, last = {}, {}
            print(json.dumps({"reply": reply}), flush=True)
        except Exception as error:
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


main()
