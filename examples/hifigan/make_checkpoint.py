#!/usr/bin/python3
"""Writes safetensors for this example: a real checkpoint converted, or a small one with what PyTorch makes of it.

    make_checkpoint.py generator_v1 generator_v1.safetensors     # a checkpoint of HiFi-GAN's authors
    make_checkpoint.py                                           # small.safetensors, which the test reads
"""

import os
import sys

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import weight_norm

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "test", "fixtures", "generators"))
sys.dont_write_bytecode = True

from safetensors import dump  # noqa: E402

MEL, CHANNELS, RATES, KERNELS = 20, 16, [4, 2], [8, 4]
BLOCK_KERNELS, DILATIONS = [3, 5], [1, 3]


class ResBlock(nn.Module):
    def __init__(self, channels, kernel):
        super().__init__()
        conv = lambda dilation: weight_norm(nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2))
        self.convs1 = nn.ModuleList([conv(dilation) for dilation in DILATIONS])
        self.convs2 = nn.ModuleList([conv(1) for _ in DILATIONS])

    def forward(self, x):
        for first, second in zip(self.convs1, self.convs2):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, 0.1)), 0.1))
        return x


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_pre = weight_norm(nn.Conv1d(MEL, CHANNELS, 7, padding=3))
        widths = [CHANNELS // 2**level for level in range(len(RATES) + 1)]
        levels = zip(widths, widths[1:], RATES, KERNELS)
        self.ups = nn.ModuleList([weight_norm(nn.ConvTranspose1d(a, b, k, stride, padding=(k - stride) // 2)) for a, b, stride, k in levels])
        self.resblocks = nn.ModuleList([ResBlock(width, kernel) for width in widths[1:] for kernel in BLOCK_KERNELS])
        self.conv_post = weight_norm(nn.Conv1d(widths[-1], 1, 7, padding=3))

    def forward(self, x):
        x = self.conv_pre(x)
        count = len(BLOCK_KERNELS)
        for level, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            x = sum(block(x) for block in self.resblocks[level * count : (level + 1) * count]) / count
        return torch.tanh(self.conv_post(F.leaky_relu(x)))


def convert(source, target):
    state = torch.load(source, map_location="cpu")["generator"]
    with open(target, "wb") as file:
        file.write(dump(state, {"format": "pt"}))


def small():
    torch.manual_seed(0)
    generator = Generator()
    for name, parameter in generator.named_parameters():
        if name.endswith("weight_g"):
            parameter.data *= 1 + torch.rand_like(parameter)
    mel = torch.randn(1, MEL, 12)
    state = {"generator." + name: value for name, value in generator.state_dict().items()}
    with torch.no_grad():
        wave = generator.double()(mel.double()).float()
    with open(os.path.join(HERE, "small.safetensors"), "wb") as file:
        file.write(dump({**state, "mel": mel, "wave": wave}, {"format": "pt"}))


if __name__ == "__main__":
    convert(*sys.argv[1:]) if len(sys.argv) == 3 else small()
