"""`python -m benchmarks`: the time of each stage and the speed of the generator."""

from benchmarks import reconstruct_speed, synth_speed

if __name__ == "__main__":
    print("# Reconstruction\n", flush=True)
    reconstruct_speed.main(reconstruct_speed.Arguments())
    print("\n# Made people\n", flush=True)
    synth_speed.main(synth_speed.Arguments())
