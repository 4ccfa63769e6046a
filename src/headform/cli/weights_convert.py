"""`headform weights`: inspect and convert PyTorch checkpoints, without executing any code in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg, subcommand

from headform import errors


@dataclass(frozen=True)
class Inspect:
    """List the contents of a PyTorch checkpoint or a safetensors file."""

    source: Positional[Path]
    """A .pth, .pt, .tar or .ckpt file, or a .safetensors file."""

    def run(self) -> int:
        """Print one line per tensor and per value; of a file of headform first what it is."""
        from headform.io.file_content import content_of
        from headform.io.torch_file import TorchFile, is_safetensors, read_torch, state_dict_of

        if is_safetensors(self.source):
            content = content_of(self.source)
            if content is not None:
                print(f"{self.source.name}: {content.what}; {content.hint}")
            found = TorchFile(state_dict_of(self.source, ""), {})
        else:
            found = read_torch(self.source)
        for name, tensor in found.tensors.items():
            shape = "x".join(str(n) for n in tensor.shape) or "number"
            print(f"{name}  {shape}  {str(tensor.dtype).removeprefix('torch.')}")
        for name, value in found.values.items():
            print(f"{name} = {value!r:.80}")
        count = sum(tensor.numel() for tensor in found.tensors.values())
        print(f"{len(found.tensors)} tensors, {count} numbers")
        return errors.SUCCESS


@dataclass(frozen=True)
class ConvertWeights:
    """Convert the network in a PyTorch checkpoint to safetensors, with a model card that states its origin."""

    source: Positional[Path]
    """A .pth, .pt, .tar or .ckpt file."""
    out: Annotated[Path, arg(aliases=("-o",))]
    """Output file (.safetensors); floating-point numbers are stored in single precision."""
    part: str | None = None
    """Part of the checkpoint that holds the network, such as arcface; detected by default."""
    overwrite: bool = False
    """Replace an existing file."""

    def run(self) -> int:
        """Convert, and print the counts."""
        from headform.io.file_bytes import sha256_of
        from headform.io.model_file import save_model
        from headform.io.torch_file import state_dict_of

        if self.out.suffix != ".safetensors":
            what = f"{self.out.name} does not end in .safetensors"
            advice = "name the output like net.safetensors"
            raise errors.UsageError("out_suffix", what, "-o", advice)
        if self.out.exists() and not self.overwrite:
            what, advice = "the file exists", "give --overwrite or another -o"
            raise errors.UsageError("out_exists", what, str(self.out), advice)
        # shared and expanded tensors each get their own memory
        tensors = {n: t.clone().contiguous() for n, t in state_dict_of(self.source, self.part).items()}
        digest = sha256_of(self.source)
        card = {
            "data": f"converted from {self.source.name}, SHA-256 {digest}",
            "license": "that of the converted file",
            "command": f"headform weights convert {self.source.name}",
            "commit": None,
            "images_seen": None,
            "minutes": None,
            "seed": None,
            "config": {"part": self.part},
            "metrics": {},
        }
        save_model(self.out, tensors, card, half=False)
        count = sum(tensor.numel() for tensor in tensors.values())
        print(f"{self.out}: {len(tensors)} tensors, {count} numbers")
        return errors.SUCCESS


Weights = Annotated[
    Annotated[Inspect, subcommand("inspect")] | Annotated[ConvertWeights, subcommand("convert")],
    subcommand("weights", description="PyTorch checkpoints: inspect, convert to safetensors."),
]
