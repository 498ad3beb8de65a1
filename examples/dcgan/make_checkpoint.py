#!/usr/bin/python3
"""Writes safetensors for this example: a real checkpoint converted, or a small one with what PyTorch makes of it.

    make_checkpoint.py netG.pth netG.safetensors     # torch.save(netG.state_dict(), ...) of the DCGAN tutorial
    make_checkpoint.py                               # small.safetensors, which the test reads
"""

import os
import sys

import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "test", "fixtures", "generators"))
sys.dont_write_bytecode = True

from safetensors import dump  # noqa: E402

NOISE, WIDTH, COLOURS = 8, 4, 3


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [NOISE] + [WIDTH * factor for factor in (8, 4, 2, 1)]
        layers = []
        for level, (a, b) in enumerate(zip(widths, widths[1:])):
            stride, padding = (1, 0) if level == 0 else (2, 1)
            layers += [nn.ConvTranspose2d(a, b, 4, stride, padding, bias=False), nn.BatchNorm2d(b), nn.ReLU(True)]
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(WIDTH, COLOURS, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, noise):
        return self.main(noise)


def convert(source, target):
    with open(target, "wb") as file:
        file.write(dump(torch.load(source, map_location="cpu"), {"format": "pt"}))


def small():
    torch.manual_seed(0)
    generator = Generator()
    with torch.no_grad():
        generator.main[-2].weight *= 30  # contrast, which training would give
        for _ in range(3):  # running statistics that are not those of the start
            generator(torch.randn(16, NOISE, 1, 1))
        generator.eval()
        noise = torch.randn(2, NOISE, 1, 1)
        state = {name: value.clone() for name, value in generator.state_dict().items()}
        pictures = generator.double()(noise.double()).float()
    with open(os.path.join(HERE, "small.safetensors"), "wb") as file:
        file.write(dump({**state, "noise": noise, "pictures": pictures}, {"format": "pt"}))


if __name__ == "__main__":
    convert(*sys.argv[1:]) if len(sys.argv) == 3 else small()
