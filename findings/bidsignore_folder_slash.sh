#!/bin/bash
# bids-validator-deno 3.0.2 does not honour a folder pattern that ends in a slash in .bidsignore: "figures/", as many
# BIDS Apps write it and as .gitignore means it, still gives NOT_INCLUDED for sub-01/figures/. "figures" works.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet bids-validator-deno==3.0.2
data=$folder/data
mkdir -p "$data/sub-01/anat" "$data/sub-01/figures"
echo '{"Name": "x", "BIDSVersion": "1.10.0", "DatasetType": "derivative", "GeneratedBy": [{"Name": "x"}]}' > "$data/dataset_description.json"
echo 'A derivative dataset with a folder of figures.' > "$data/README"
echo '{}' > "$data/sub-01/anat/sub-01_desc-x_T1w.json"
echo 'x' > "$data/sub-01/figures/picture.svg"
errors() {
    "$folder/venv/bin/bids-validator-deno" "$data" --json --ignoreWarnings 2>/dev/null | python3 -c '
import json, sys
issues = json.load(sys.stdin)["issues"]["issues"]
print(sum(one["code"] == "NOT_INCLUDED" and "figures" in one["location"] for one in issues))'
}
status=0
for pattern in 'figures/' '**/figures/' 'sub-*/figures/' 'figures' '**/figures'; do
    echo "$pattern" > "$data/.bidsignore"
    count=$(errors)
    echo "bids-validator-deno 3.0.2, .bidsignore '$pattern': $count files of figures/ not included"
    case $pattern in
        */) [ "$count" -gt 0 ] || status=1 ;;
        *) [ "$count" -eq 0 ] || status=1 ;;
    esac
done
exit $status
