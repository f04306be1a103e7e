"""What timm and torchvision know of their classifiers without building one."""

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])  # torchvision's pixel mean and standard deviation, RGB


def known(prefix: str) -> list[str]:
    """The classifiers that `timm:` or `torchvision:` can name."""
    if prefix == "timm":
        from timm import list_models

        return list(list_models())
    import torchvision.models as home
    from torchvision.models import list_models as list_torchvision

    return [str(n) for n in list_torchvision(module=home)]


def normalization(use: str) -> dict[str, list[float]]:
    """The pixel mean and standard deviation (of values in [0, 1], RGB) that a model expects."""
    prefix, _, name = use.rpartition(":")
    if prefix == "timm":
        from timm.models import get_pretrained_cfg

        config = get_pretrained_cfg(name)
        if config is not None:
            return {"mean": [float(v) for v in config.mean], "std": [float(v) for v in config.std]}
    return {"mean": list(IMAGENET[0]), "std": list(IMAGENET[1])}
