"""Everything that one run of the benchmark found, as an object and as JSON."""

import dataclasses
import json

from bench.measure import GroupResult, Settings
from bench.rows import GROUPS

FORMAT = 1
# What is known of a running blockseal alone, and is told of in a line of its own.
OF_BLOCKSEAL = ("java", "cipher", "tls")


@dataclasses.dataclass
class Run:
    """What report and chart are made of."""

    date: str
    machine: dict
    versions: dict
    filesystems: dict
    settings: Settings
    results: list[GroupResult]
    left_out: list[str]
    # What broke, other than what this machine cannot do; it is also among what was left out.
    broken: list[str] = dataclasses.field(default_factory=list)
    stolen_percent: float = 0.0
    start: dict | None = None
    rotation: dict | None = None
    soak: dict | None = None

    def programs(self):
        """The programs that took part, with their versions."""
        return ", ".join(f"{name} {version}" for name, version in self.versions.items() if name not in OF_BLOCKSEAL)

    def inside(self):
        """What blockseal was made of in this run."""
        tls = f"; TLS by {self.versions['tls']}" if "tls" in self.versions else ""
        return f"{self.versions.get('java', '')}; cipher engine: {self.versions.get('cipher', '')}{tls}"

    def to_json(self):
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["settings"] = dataclasses.asdict(self.settings)
        fields["results"] = [
            {"group": result.group.name, "servers": result.servers, "memory_mib": result.memory_mib,
             "rows": result.samples}
            for result in self.results]
        return json.dumps({"format": FORMAT, **fields}, indent=1)


def from_json(text):
    """The run that to_json() wrote; ValueError if it is none, or of another version of the benchmark."""
    fields = json.loads(text)
    if not isinstance(fields, dict) or fields.pop("format", None) != FORMAT:
        raise ValueError(f"not a record of this benchmark (format {FORMAT})")
    try:
        fields["settings"] = Settings(**fields["settings"])
        fields["results"] = [result_from(result) for result in fields["results"]]
        return Run(**fields)
    except (KeyError, TypeError) as error:
        raise ValueError(f"a record of another version of this benchmark ({error})") from error


def result_from(fields):
    group = next((group for group in GROUPS if group.name == fields["group"]), None)
    if group is None:
        raise ValueError(f"there is no group {fields['group']} any more")
    kept = dataclasses.replace(group, rows=tuple(row for row in group.rows if row.name in fields["rows"]))
    return GroupResult(kept, fields["servers"], fields["rows"], fields["memory_mib"])
