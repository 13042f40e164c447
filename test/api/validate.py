# Reads lines of {"schema": "usage", "value": …} and validates each by the published JSON Schemas, with Debian's
# python3-jsonschema. Ends with 1 and names what is wrong.
import json
import pathlib
import sys

from jsonschema import Draft202012Validator

folder = pathlib.Path(__file__).parents[2] / "docs" / "api" / "schemas"
validators = {}
for file in folder.glob("*.json"):
    schema = json.loads(file.read_text())
    Draft202012Validator.check_schema(schema)
    validators[file.stem] = Draft202012Validator(schema)

count = faults = 0
for line in sys.stdin:
    one = json.loads(line)
    count += 1
    for error in validators[one["schema"]].iter_errors(one["value"]):
        faults += 1
        print(f"{one.get('name', one['schema'])}: {error.message[:200]}", file=sys.stderr)
        break
print(f"{count} messages, {faults} of them wrong")
sys.exit(1 if faults or not count else 0)
