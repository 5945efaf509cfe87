__version__ = "0.1.0"

from .data import TextPredictionDataCreator, TextFilterConfig, TextPreprocessConfig, demo_texts, demo_path
from .pairs import make_pairs
from .model import GradiendModel, ParamMappedGradiendModel, ModelWithGradiend, demo_model
from .edit import Edit
from .probes import ClassProbe, LMSProbe
from .arguments import TrainingArguments, TextPredictionConfig
from .trainer import FeatureLearningDefinition, Trainer, TextPredictionTrainer
