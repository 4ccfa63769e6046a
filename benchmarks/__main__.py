"""`python -m benchmarks`: the time of each stage, the speed of the generator and of graph convolutions."""

from benchmarks import graph_speed, reconstruct_speed, synth_speed

if __name__ == "__main__":
    print("# Reconstruction\n", flush=True)
    reconstruct_speed.main(reconstruct_speed.Arguments())
    print("\n# Made people\n", flush=True)
    synth_speed.main(synth_speed.Arguments())
    print("\n# Graph convolution\n", flush=True)
    graph_speed.main(graph_speed.Arguments())
