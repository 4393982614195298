#!/bin/sh
# A whole session of alignment on six real shops: propose, decide, apply, edit, follow, a new export, undo.
# Usage: sh session.sh FOLDER   (DATA: ../../../shared/data; every command is printed before it runs)
# docs/guide-align.md shows what it prints.
set -u
here=$(cd "$(dirname "$0")" && pwd)
data=${DATA:-$here/../../../shared/data}/zh_titles
mkdir -p "$1" && cd "$1" || exit 2

say() {
    printf '\n$ %s\n' "$*"
    "$@"
    echo "[$?]"
}

{
    printf 'platform\tid\ttitle\tl1\tl2\tl3\n'
    awk -F'\t' -v OFS='\t' 'NR>1 {print $1, NR, $2, $3, $4, $5}' "$data/suning_jd_taobao_2018/items_dedup.tsv"
    awk -F'\t' -v OFS='\t' 'NR>1 {print "taotao", $1, $2, $3, $4, $5}' "$data/jd_taotao_2015/items.tsv"
    awk -F'\t' -v OFS='\t' 'NR>1 {print "newbee", $1, $2, $3, $4, $5}' "$data/newbee_2019/items.tsv"
    awk -F'\t' -v OFS='\t' 'NR>1 {print "taobao2019", $1, $2, $3, $4, ""}' "$data/taobao_2019/items.tsv"
} >shops.tsv

echo '## one store, proposals'
say mep3m ingest shops.tsv --store shops --id id --title title --labels l1,l2,l3 --platform platform
say mep3m align propose --store shops --method paper --within-first-level never --out links.sssom.tsv
say mep3m align propose --store shops --first-level "$here/first.toml" --out evidence.sssom.tsv
sha256sum shops/*/*.parquet >before.sha256

echo '## decide'
say mep3m align review links.sssom.tsv
say mep3m align review links.sssom.tsv --accept 9 --name-zh 平板电视 --name-en 'Flat-screen TVs' --reviewer li
say mep3m align review links.sssom.tsv --blind for_wang.tsv --seed 7
# wang answers in a spreadsheet: quotes, CRLF, a byte order mark
awk -F'\t' -v OFS='\t' '/^#/ {print; next} $1 == "subject_id" {for (i = 1; i <= NF; i++) at[$i] = i; print; next}
    {$at["mep3m_decision"] = ($1 ~ /手办/ ? "拒绝" : "接受"); $at["reviewer_label"] = "wang"; $at["mapping_date"] = "2026/11/25"
     if ($1 !~ /手办/) $at["predicate_id"] = "skos:BroadMatch"; print}' for_wang.tsv |
    awk '{printf "%s\r\n", $0}' | { printf '\357\273\277'; cat; } >from_wang.tsv
say mep3m align review links.sssom.tsv --take from_wang.tsv
# a link that no method proposed, as a row of one's own
printf '家电 数码 手机 > 手机\t家电 数码 手机 > 手机\tskos:exactMatch\t手机 > 手机通讯 > 手机\t手机 > 手机通讯 > 手机\t\t\t\tnewbee\ttaotao\tli\t2026/11/25\t\t\t\t\t接受\t手机\tMobile phones\n' >>links.sssom.tsv
say mep3m align review links.sssom.tsv

echo '## what would happen, and what cannot'
sed 's/skos:broadMatch/skos:exactMatch/' links.sssom.tsv >wrong.sssom.tsv
say mep3m align apply wrong.sssom.tsv --store shops --first-level "$here/first.toml" --out wrong
say mep3m align apply links.sssom.tsv --store shops --first-level "$here/first.toml" --dry-run

echo '## apply'
say mep3m align apply links.sssom.tsv --store shops --first-level "$here/first.toml" --out merged --html impact.html
say mep3m align export links.sssom.tsv --out published.sssom.tsv

echo '## a model, and the tree changes'
say mep3m train merged --modality text --out model
id() { python3 -c 'import json,sys; print(next(c["id"] for c in json.load(open("merged/taxonomy.json")) if sys.argv[1] in (c["name_zh"], c["name_en"])))' "$1"; }
tv=$(id 平板电视) max=$(id 苹果max) apple=$(id iPhone)
say mep3m align edit merged --edits tree.edits.jsonl --rename "$tv" 电视机 'Television sets' --by li
say mep3m align edit merged --edits tree.edits.jsonl --archive beauty-and-care --reason 'sold by another team' --by li
say mep3m align edit merged --edits tree.edits.jsonl --merge "$max" "$apple" --reason 'same phones' --by li
say mep3m align remap merged --edits tree.edits.jsonl --out followed
say mep3m align diff merged followed --edits tree.edits.jsonl --model model
say mep3m evaluate model --data followed
say mep3m evaluate model --data followed --edits tree.edits.jsonl

echo '## a new export'
sed 's/家电 数码 手机/家电数码手机/' shops.tsv >shops2.tsv
say mep3m ingest shops2.tsv --store shops2 --id id --title title --labels l1,l2,l3 --platform platform
say mep3m align propose --store shops2 --method paper --within-first-level never --out later.sssom.tsv
say mep3m align migrate links.sssom.tsv later.sssom.tsv --store shops2 --out now.sssom.tsv
say mep3m align review now.sssom.tsv

echo '## undo'
say mep3m align undo tree.edits.jsonl
say mep3m align undo merged
say mep3m align undo followed
say mep3m align undo merged
say mep3m align undo links.sssom.tsv
say mep3m align review links.sssom.tsv --limit 0
say sha256sum --check --quiet before.sha256
