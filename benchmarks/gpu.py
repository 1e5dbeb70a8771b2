"""One GPU: tokens per second, share of the chip's peak, and memory of a step, beside TRL's with its fastest settings.

Random models of the shapes of Qwen 2.5 0.5B and 1.5B in bfloat16; TRL with its fused head and SDPA and, where it is
installed, with flash attention. Padding-free training is not available for DPO in TRL 1.16. Losses and gradients are
compared too. It is `step.py --device cuda` with the chip's peak filled in; see there for what is timed and how.

    python benchmarks/gpu.py [--pairs 8] [--repeats 10] [--shapes 0.5B-long,...]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PEAKS = {"H100": 989, "H200": 989, "A100": 312, "L40S": 362, "L4": 121, "B200": 2250, "4090": 165}
"""Dense operations in bfloat16 with sums in float32 that a chip's data sheet promises, in 10^12 a second."""


def main() -> None:
    import torch

    if not torch.cuda.is_available():
        print("not measured: there is no GPU that PyTorch can use")
        return
    name = torch.cuda.get_device_name(0)
    known = next((peak for chip, peak in PEAKS.items() if chip in name), None)
    print(f"{name}, PyTorch {torch.__version__}", flush=True)
    told = [] if known is None or "--peak-tflops" in sys.argv else ["--peak-tflops", str(known)]
    command = [sys.executable, str(Path(__file__).with_name("step.py")), "--device", "cuda", *told, *sys.argv[1:]]
    sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
