#!/bin/sh
# pybids 0.22.0 takes the columns that a table's sidecar describes for metadata of the files beside it, and does not keep
# them apart from entities: with a table at the top of a dataset that has columns "subject" and "session" (described in its
# .json, as BIDS asks), every file that the sidecar reaches has a session that is a dict, and print(BIDSLayout(...)) raises
# TypeError. With columns called "participant_id" and "session_id" it prints. Exits with a status other than 0 where that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/environment"
"$folder/environment/bin/pip" install --quiet pybids==0.22.0 2> /dev/null
mkdir -p "$folder/data/sub-01/ses-1/anat"
cd "$folder/data"
echo '{"Name": "x", "BIDSVersion": "1.10.0", "DatasetType": "derivative", "GeneratedBy": [{"Name": "x"}]}' > dataset_description.json
touch sub-01/ses-1/anat/sub-01_ses-1_desc-x_T1w.nii.gz
cat > "$folder/look.py" <<'END'
import sys
from bids import BIDSLayout
layout = BIDSLayout(sys.argv[1], validate=False, is_derivative=True)
(table,) = layout.get(extension=".tsv")
print("sessions of the table:", repr(table.entities.get("session")), file=sys.stderr)
print(layout)
END
look() {
    printf '%s\t%s\n01\t1\n' "$1" "$2" > group.tsv
    printf '{"%s": {"Description": "Subject"}, "%s": {"Description": "Session"}}\n' "$1" "$2" > group.json
    "$folder/environment/bin/python" -W ignore "$folder/look.py" "$folder/data" > "$folder/said" 2>&1
}
if look subject session; then exit 1; fi
grep -q "TypeError: unhashable type: 'dict'" "$folder/said"
echo 'pybids 0.22.0, columns "subject", "session": '"$(grep TypeError "$folder/said")"
look participant_id session_id
grep -q "BIDS Layout" "$folder/said"
echo 'columns "participant_id", "session_id": '"$(grep 'BIDS Layout' "$folder/said")"
