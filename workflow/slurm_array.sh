#!/bin/bash
# A cohort as a Slurm array: a task is a part of the subjects.
#   sbatch --array=1-40 workflow/slurm_array.sh DATASET OUTPUT [options of charmssr bids]
# Run it again after failures: finished scans are skipped. Afterwards: charmssr bids DATASET OUTPUT group
#SBATCH --job-name=charmssr
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=08:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
dataset=$1 output=$2
shift 2
# In a container: export CHARMSSR="apptainer exec --cleanenv --bind $dataset:$dataset:ro,$output charmssr.sif charmssr"
exec ${CHARMSSR:-charmssr} bids "$dataset" "$output" participant --skip-bids-validation --accept-refused \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" "$@"
