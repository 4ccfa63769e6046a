"""`python -m benchmarks`: the time of each stage, the generator, graph convolutions, hierarchies, evaluation and FLAME."""

from benchmarks import (
    flame_speed,
    graph_speed,
    hierarchy_speed,
    now_speed,
    reconstruct_speed,
    render_speed,
    synth_speed,
)

if __name__ == "__main__":
    print("# Reconstruction\n", flush=True)
    reconstruct_speed.main(reconstruct_speed.Arguments())
    print("\n# Synthetic faces\n", flush=True)
    synth_speed.main(synth_speed.Arguments())
    print("\n# Batched rendering\n", flush=True)
    render_speed.main(render_speed.Arguments())
    print("\n# Graph convolution\n", flush=True)
    graph_speed.main(graph_speed.Arguments())
    print("\n# Mesh hierarchies\n", flush=True)
    hierarchy_speed.main(hierarchy_speed.Arguments())
    print("\n# NoW evaluation\n", flush=True)
    now_speed.main(now_speed.Arguments())
    print("\n# FLAME\n", flush=True)
    flame_speed.main(flame_speed.Arguments())
