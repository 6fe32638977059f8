"""The peer of `npm run bench:train`: training steps of the same networks in PyTorch, one thread.

Reads commands `<net> <batch> <seconds>` on stdin, one a line, and prints the images per second of
processor time of forward, backward and update (SGD with momentum), the better of the default and
the channels_last layout. A line `ready <version>` comes first.
"""

import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)


class Same(nn.Module):
    """Padding as TensorFlow's SAME, where it is not symmetric."""

    def __init__(self, size, kernel, stride):
        super().__init__()
        sides = []
        for n, k, s in zip(reversed(size), reversed(kernel), reversed(stride)):
            total = max((-(-n // s) - 1) * s + k - n, 0)
            sides += [total // 2, total - total // 2]
        self.sides = sides

    def forward(self, x):
        return nn.functional.pad(x, self.sides) if any(self.sides) else x


def conv(size, cin, cout, kernel, stride=(1, 1), groups=1):
    pads = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(size, kernel, stride)]
    if all(p % 2 == 0 for p in pads):
        half = tuple(p // 2 for p in pads)
        return [nn.Conv2d(cin, cout, kernel, stride, padding=half, groups=groups)]
    return [Same(size, kernel, stride), nn.Conv2d(cin, cout, kernel, stride, groups=groups)]


def norm(channels):
    return [nn.BatchNorm2d(channels), nn.ReLU()]


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )


class Block(nn.Module):
    def __init__(self, size, cin, cout, stride):
        super().__init__()
        s = (stride, stride)
        out = -(-size // stride)
        self.first = nn.Sequential(*conv((size, size), cin, cout, (3, 3), s), *norm(cout))
        self.second = nn.Sequential(*conv((out, out), cout, cout, (3, 3)), nn.BatchNorm2d(cout))
        short = stride > 1
        self.short = nn.Sequential(*conv((size, size), cin, cout, (1, 1), s)) if short else None

    def forward(self, x):
        y = self.second(self.first(x))
        return torch.relu(y + (self.short(x) if self.short else x))


def resnet8():
    return nn.Sequential(
        *conv((32, 32), 3, 16, (3, 3)), *norm(16),
        Block(32, 16, 16, 1), Block(32, 16, 32, 2), Block(16, 32, 64, 2),
        nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10),
    )


def ds_cnn():
    layers = [*conv((49, 10), 1, 64, (10, 4), (2, 2)), *norm(64), nn.Dropout(0.2)]
    for _ in range(4):
        layers += [*conv((25, 5), 64, 64, (3, 3), groups=64), *norm(64)]
        layers += [*conv((25, 5), 64, 64, (1, 1)), *norm(64)]
    return nn.Sequential(
        *layers, nn.Dropout(0.4), nn.AvgPool2d((25, 5)), nn.Flatten(), nn.Linear(64, 12)
    )


def mobilenet():
    blocks = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)] + [(128, 1)] * 5
    blocks += [(256, 2), (256, 1)]
    layers = [*conv((96, 96), 3, 8, (3, 3), (2, 2)), *norm(8)]
    size, cin = 48, 8
    for cout, s in blocks:
        layers += [*conv((size, size), cin, cin, (3, 3), (s, s), groups=cin), *norm(cin)]
        size = -(-size // s)
        layers += [*conv((size, size), cin, cout, (1, 1)), *norm(cout)]
        cin = cout
    return nn.Sequential(*layers, nn.AvgPool2d(3), nn.Flatten(), nn.Linear(256, 2))


nets = {
    "lenet5": (lenet5, (1, 28, 28), 10),
    "resnet8": (resnet8, (3, 32, 32), 10),
    "ds-cnn": (ds_cnn, (1, 49, 10), 12),
    "mobilenet-v1": (mobilenet, (3, 96, 96), 2),
}
ready = {}


def prepare(name, batch, layout):
    make, shape, classes = nets[name]
    net = make().to(memory_format=layout).train()
    x = torch.rand(batch, *shape).to(memory_format=layout)
    labels = torch.randint(0, classes, (batch,))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def step():
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), labels).backward()
        optimizer.step()

    for _ in range(3):
        step()
    return step


def rate(name, batch, layout, seconds):
    key = (name, batch, layout)
    if key not in ready:
        ready[key] = prepare(*key)
    start = time.process_time()
    steps = 0
    while time.process_time() - start < seconds or steps < 2:
        ready[key]()
        steps += 1
    return steps * batch / (time.process_time() - start)


print("ready", torch.__version__, flush=True)
for line in sys.stdin:
    name, batch, seconds = line.split()
    layouts = (torch.contiguous_format, torch.channels_last)
    print(max(rate(name, int(batch), layout, float(seconds)) for layout in layouts), flush=True)
