"""A checkpoint of a network that is small, so that whole enhancements take a second, and whose every part matters."""


def small_checkpoint(folder, name="small", seed=7, spread=0.003, bias=None, card=None, **architecture):
    """Write a random CHARMS of one block and unit.

    Args:
        folder: where its weights and card go.
        name: the checkpoint's name.
        seed: of the random weights.
        spread: standard deviation of its last layer's weights; 0 leaves an untrained network, which interpolates.
        bias: of its last layer.
        card: fields of the card that are added or replaced.
        architecture: arguments of CHARMS.

    Returns:
        Path of the weights, as text.
    """
    import torch

    from CHARMSSRLib import CHARMS
    from CHARMSSRLib.checkpoints.loading import save_checkpoint

    torch.manual_seed(seed)
    network = CHARMS(**{"blocks": 1, "units": 1, **architecture})
    if spread:
        torch.nn.init.normal_(network.tail.weight, std=spread)
    if bias is not None:
        torch.nn.init.constant_(network.tail.bias, bias)
    fields = {
        "name": name, "intensity": {"kind": "percentile", "upper": 99.9}, "margin": 6,
        "data_consistency_operator": "bicubic", "seen_7t": False, **(card or {}),
    }  # fmt: skip
    return str(save_checkpoint(network, fields, folder))
