"""A trained network for those without Paribus: ONNX, or a folder of timm or segmentation-models-pytorch."""

from paribus.exporting.going import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
