#!/bin/sh
# Nipoppy 0.4.8: a pipeline whose descriptor has no "container-image" runs on the machine itself, although its config.json
# names a container's file and the container is there. `nipoppy pipeline validate` calls such a folder valid, and
# `nipoppy process` says nothing about it: Boutiques gets --no-container. With "container-image" it runs in the container.
# Exits with a status other than 0 where that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet nipoppy==0.4.8
PATH="$folder/environment/bin:$folder/programs:$PATH"
cd "$folder"

mkdir programs  # an apptainer that only says that it was called
printf '#!/bin/sh\necho "apptainer $*" >> %s/called\n' "$folder" > programs/apptainer
chmod +x programs/apptainer

nipoppy init --study study > log 2>&1
mkdir -p study/bids/sub-01/ses-1/anat pipeline
touch study/bids/sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz study/containers/tool_1.0.sif
echo '{"Name": "x", "BIDSVersion": "1.10.0"}' > study/bids/dataset_description.json
printf 'participant_id\tvisit_id\tsession_id\tdatatype\n01\t1\t1\t["anat"]\n' > study/manifest.tsv
cat > pipeline/config.json <<'END'
{"NAME": "tool", "VERSION": "1.0", "PIPELINE_TYPE": "processing", "SCHEMA_VERSION": "1.0",
 "CONTAINER_INFO": {"FILE": "[[NIPOPPY_DPATH_CONTAINERS]]/[[PIPELINE_NAME]]_[[PIPELINE_VERSION]].sif"},
 "STEPS": [{"DESCRIPTOR_FILE": "descriptor.json", "INVOCATION_FILE": "invocation.json",
            "ANALYSIS_LEVEL": "participant_session"}]}
END
echo '{"text": "hello"}' > pipeline/invocation.json
descriptor() {
    cat > pipeline/descriptor.json <<END
{"name": "tool", "description": "says what it is told", "tool-version": "1.0", "schema-version": "0.5", $1
 "command-line": "echo on-this-machine [TEXT]",
 "inputs": [{"id": "text", "name": "text", "type": "String", "value-key": "[TEXT]"}]}
END
    nipoppy pipeline validate pipeline > validated 2>&1 || { cat validated; exit 1; }
    nipoppy pipeline install --study study --force pipeline > log 2>&1
    rm -f called
    nipoppy process --study study --pipeline tool > ran 2>&1 || true
}

descriptor ''
grep -q "files are all valid" validated
grep -q "on-this-machine hello" ran
test ! -e called
if grep -i "warning" ran | grep -qi "container"; then exit 1; fi
echo "without container-image: valid, and run on the machine itself without a word"

descriptor '"container-image": {"image": "x/tool:1.0", "index": "docker://", "type": "singularity"},'
grep -q "apptainer exec.*tool_1.0.sif" called
echo "with container-image: run by $(grep -o 'apptainer exec' called | head -n 1)"
