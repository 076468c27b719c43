# Where jaq differs from jq, or its definition needs a function that is not offered here.
def recurse: ..;
def first: if . == null then null else .[0] end;
def last: if . == null then null else .[-1] end;
def add: reduce .[] as $x (null; . + $x);
def flatten($depth): if $depth > 0 then [.[] | if isarray then flatten($depth - 1)[] else . end] else [.[]] end;
def from_entries:
  reduce .[] as $entry ({}; . + {
    ($entry | if isobject | not then error("\(.) is not an entry") end
      | [.key, .k, .name, .Name, .K, .Key] | map(select(. != null)) | .[0]
      | if isboolean or isnumber then tojson elif . == null then "null" end):
    ($entry | if has("value") then .value elif has("v") then .v else .Value end)
  });
def with_entries(f): to_entries | map(f) | from_entries;
def flatten: def each: .[] | if isarray then each else . end; [each];
def join($by):
  def text: if . == null then "" elif isboolean or isnumber then tojson else . + "" end;
  reduce .[] as $x (null; if . == null then $x | text else . + $by + ($x | text) end) // "";
def test($re; $flags): matches_regex($re; $flags);
def test($re): test($re; null);
def ltrimstr($x): if isstring and ($x | isstring) and startswith($x) then .[($x | length):] else . end;
def rtrimstr($x): if isstring and ($x | isstring) and endswith($x) and $x != "" then .[:-($x | length)] else . end;
def @tsv:
  map(if . == null then "" elif isstring then split("\\") | join("\\\\") | split("\t") | join("\\t")
    | split("\n") | join("\\n") else tojson end) | join("\t");
def @csv:
  map(if . == null then "" elif isstring then "\"" + (split("\"") | join("\"\"")) + "\"" else tojson end) | join(",");
