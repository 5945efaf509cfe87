__version__ = "0.1.0"

from .data import TextPredictionDataCreator, TextFilterConfig, PairedTextFilterConfig, TextPreprocessConfig, demo_path, demo_texts
from .pairs import make_pairs
from .model import GradiendModel, ParamMappedGradiendModel, ModelWithGradiend, TextModelWithGradiend, demo_model
from .devices import Placement, placement
from .edit import Edit
from .store import GradientStore
from .probes import ClassProbe, LMSProbe
from .metrics import encoder_metrics
from .arguments import PostPruneConfig, PrePruneConfig, TrainingArguments, TextPredictionConfig
from .loop import TrainingCallback
from .trainer import FeatureLearningDefinition, Trainer, TextPredictionTrainer
from .plan import MemoryPlan
from .seeds import MultiSeedView
from .pruning import keep_positions
from .checkpoints import load_training_stats
from .encoder_eval import Evaluator, EncoderEvaluator, Visualizer
from .decoder_eval import DecoderEvaluator, DecoderResult, LMSThresholdPolicy, LMSTimesMetricPolicy
from .rewrite import control_directions
from .share import commit_folder
from .patches import PatchInfo, applied_patches, apply_patch, describe_patch, patched, remove_patch, save_patch
from .report import Report
from .compare import Comparison, compute_grouped_similarity_matrices, compute_importance_map, compute_similarity_matrix, compute_topk_sets
from .compare_plots import highlight_heatmap_cells, plot_comparison_heatmap, plot_importance_map, plot_similarity_heatmap, plot_topk_overlap_heatmap, plot_topk_overlap_venn
from .cross_encoding import (cross_encodings, compute_anchor_aligned_encoding_matrix, compute_gradiend_feature_cross_encoding_matrix, compute_gradiend_transition_cross_encoding_matrix,
                             compute_trainer_pair_encoding_matrix, normalize_cross_encoding_rows_by_diagonal, plot_cross_encoding_heatmap)
from .lanes import StreamTrainer
from .suites import TrainerSuite
