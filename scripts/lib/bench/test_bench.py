"""Tests of what the benchmark does with figures; scripts/test runs them. They start no server."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

from bench import __main__ as main
from bench import chart, fio, host, options, processes, record, report, results, rows, soak
from bench.address import Address
from bench.images import Images
from bench.measure import GroupResult, Measuring, Settings
from bench.progress import Progress


def direction(requests, iops, p99_nanos):
    return {"total_ios": requests, "iops": iops, "bw_bytes": iops * 4096, "io_bytes": requests * 4096,
            "clat_ns": {"percentile": {"50.000000": 1000, "99.000000": p99_nanos, "99.900000": 9000}}}


def fio_report(read, write):
    return json.dumps({"fio version": "fio-3.33", "jobs": [
        {"job_runtime": 4000, "usr_cpu": 7.0, "sys_cpu": 13.0, "read": read, "write": write}]}, indent=2)


NOTHING = {"total_ios": 0, "iops": 0.0, "bw_bytes": 0, "io_bytes": 0, "clat_ns": {}}


def sample_of(**changed):
    sample = {"iops": 1000.0, "mib_per_second": 100.0, "p50_us": 5.0, "p99_us": 50.0, "p99_9_us": 90.0,
              "cpu_seconds_per_gib": 0.5, "cpu_us_per_request": 5.0, "client_us_per_request": 4.0, "rss_mib": 10.0}
    return sample | changed


def run_of(group, factor=2.0, left_out=()):
    """A run with this group alone, in which blockseal is `factor` times as good as each peer in each figure."""
    better = sample_of(iops=1000.0 * factor, mib_per_second=100.0 * factor, p99_us=50.0 / factor,
                       cpu_seconds_per_gib=0.5 / factor, cpu_us_per_request=5.0 / factor, client_us_per_request=4.0 / factor)
    servers = ["blockseal", *group.peers]
    samples = {row.name: {server: [better if server == "blockseal" else sample_of()] * 3 for server in servers}
               for row in group.rows}
    result = GroupResult(group, servers, samples, {server: 100.0 for server in servers})
    return record.Run("2026-11-25 12:00", {"processor": "A & B <fast>", "processors": 2, "memory_gib": 23.5,
                                           "kernel": "Linux 6.1 x86_64", "busy_before_percent": 0.1},
                      {"blockseal": "0.1.0", "fio": "3.33", "java": "OpenJDK 17", "cipher": "native"},
                      {"memory": "tmpfs"}, Settings("512M", 5, 3, 3, 2), [result], list(left_out))


class FioReport(unittest.TestCase):
    def test_remarks_of_the_nbd_engine_are_skipped_wherever_they_stand(self):
        lines = fio_report(direction(10, 5.0, 7000), NOTHING).splitlines()
        noisy = ["fio: connected to NBD server"] * 2 + lines[:3] + ["fio: connected to NBD server"] + lines[3:] + ["bye"]
        self.assertEqual(fio.parse("\n".join(noisy))["jobs"][0]["read"]["total_ios"], 10)

    def test_a_report_that_is_none_is_an_error_that_shows_it(self):
        with self.assertRaisesRegex(ValueError, "no route"):
            fio.parse("fio: no route to host")

    def test_a_mixed_load_adds_up_and_shows_the_latency_of_reads(self):
        sample = fio.sample(fio_report(direction(300, 70.0, 7000), direction(100, 30.0, 99000)), 0.002, 64.0)
        self.assertAlmostEqual(sample["iops"], 100.0)
        self.assertAlmostEqual(sample["p99_us"], 7.0)
        self.assertAlmostEqual(sample["cpu_us_per_request"], 5.0)
        # A fifth of the 4 s that its connections took together, for 400 requests.
        self.assertAlmostEqual(sample["client_us_per_request"], 2000.0)
        self.assertAlmostEqual(sample["cpu_seconds_per_gib"], 0.002 * (1 << 30) / (400 * 4096))

    def test_a_load_of_writes_alone_shows_theirs(self):
        self.assertAlmostEqual(fio.sample(fio_report(NOTHING, direction(5, 1.0, 8000)), 0, 0)["p99_us"], 8.0)

    def test_a_run_without_requests_is_no_sample(self):
        with self.assertRaisesRegex(ValueError, "without a single request"):
            fio.sample(fio_report(NOTHING, NOTHING), 0, 0)


class Ratios(unittest.TestCase):
    def test_over_one_is_better_for_every_figure(self):
        for line in results.lines_of(run_of(rows.GROUPS[0]).results[0]):
            for ratio in line.ratios.values():
                self.assertAlmostEqual(ratio.median, 2.0, msg=line.words)

    def test_are_taken_round_by_round(self):
        # A round in which the whole machine was at half speed changes no ratio.
        ours = [sample_of(iops=200.0), sample_of(iops=100.0), sample_of(iops=200.0)]
        theirs = [sample_of(iops=100.0), sample_of(iops=50.0), sample_of(iops=100.0)]
        self.assertEqual(results.ratios(rows.FIGURES["iops"], ours, theirs), results.Spread(2.0, 2.0, 2.0))

    def test_by_nothing_break_no_table(self):
        idle = [sample_of(cpu_seconds_per_gib=0.0)]
        spread = results.ratios(rows.FIGURES["cpu_seconds_per_gib"], idle, idle)
        self.assertNotEqual(spread.median, spread.median)


class Tables(unittest.TestCase):
    def test_fit_into_140_columns_and_say_what_was_left_out(self):
        for group in rows.GROUPS:
            text = report.text(run_of(group, left_out=["qemu-raw: no io_uring\nhere"]))
            self.assertLessEqual(max(map(len, text.splitlines())), 140, group.name)
            self.assertIn("no io_uring", text)

    def test_large_and_small_figures_keep_apart(self):
        self.assertEqual([report.number(value) for value in (0.123, 12.34, 123.4, 123456.7)],
                         ["0.12", "12.3", "123", "123457"])

    def test_are_the_same_from_a_saved_file(self):
        run = run_of(rows.GROUPS[0])
        self.assertEqual(report.text(record.from_json(run.to_json())), report.text(run))

    def test_a_figure_that_an_earlier_run_has_not_got_is_left_out(self):
        run = run_of(rows.GROUPS[0])
        self.assertIn("CPU time of the client", report.text(run))
        for samples in run.results[0].samples.values():
            for each in (sample for of_server in samples.values() for sample in of_server):
                each.pop("client_us_per_request", None)
        self.assertNotIn("CPU time of the client", report.text(run))

    def test_a_file_of_something_else_is_refused(self):
        for text, reason in (('{"rows": {}}', "not a record"), ('{"format": 1, "settings": {"x": 1}}', "another version")):
            with self.assertRaisesRegex(ValueError, reason):
                record.from_json(text)


class Chart(unittest.TestCase):
    def test_is_whole_xml_with_a_bar_for_each_ratio(self):
        run = run_of(rows.GROUPS[0], factor=0.5)
        root = ElementTree.fromstring(chart.svg(run, run.results, "A < B"))
        bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("height") == str(chart.BAR)]
        charted = sum(rows.FIGURES[name].charted for row in rows.GROUPS[0].rows for name in row.figures)
        self.assertEqual(len(bars), charted * len(rows.GROUPS[0].peers))

    def test_better_is_right_of_the_line_and_worse_is_left(self):
        scale = chart.Scale([0.4, 3.0])
        self.assertLess(scale.x(0.5), scale.x(1.0))
        self.assertLess(scale.x(1.0), scale.x(2.0))
        self.assertAlmostEqual(scale.x(1.0) - scale.x(0.5), scale.x(2.0) - scale.x(1.0))

    def test_what_is_off_the_axis_stays_on_the_page(self):
        scale = chart.Scale([0.0001, float("nan"), 1e9])
        self.assertGreaterEqual(scale.x(0.0001), chart.LABEL_WIDTH)
        self.assertLessEqual(scale.x(1e9), chart.WIDTH - chart.RIGHT)


class Soak(unittest.TestCase):
    def test_slope_leaves_out_the_first_minute(self):
        # Grows by 40 MiB while it warms up, then by 1 MiB a minute.
        points = [(second, 60 + second * 2 / 3 if second < 60 else 100 + (second - 60) / 60)
                  for second in range(5, 600, 5)]
        found = soak.trend(points, 10)
        self.assertAlmostEqual(found["slope_mib_per_hour"], 60.0, places=3)
        self.assertLess(found["first_minute_mib"], 100)
        self.assertGreater(found["last_minute_mib"], 107)


class Rotation(unittest.TestCase):
    def test_is_told_by_load_and_rate_and_survives_the_file(self):
        run = run_of(rows.GROUPS[0])
        run.rotation = {"rotation-1": {
            "title": "1 at once", "idle": [sample_of(p99_us=50.0)], "during": {"25": [sample_of(p99_us=75.0)]},
            "ratio": {"25": 1.5}}}
        text = report.text(record.from_json(run.to_json()))
        self.assertIn("without     50   at 25 MiB/s     75  x 1.50", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 140)

    def test_is_part_of_everything_and_else_on_demand(self):
        self.assertTrue(options.parse([]).rotation)
        self.assertFalse(options.parse(["--short"]).rotation)
        self.assertFalse(options.parse(["--rows", "goal"]).rotation)
        self.assertTrue(options.parse(["--rows", "none", "--rotation"]).rotation)


class Broken(unittest.TestCase):
    def test_group_costs_only_itself_and_is_named(self):
        run = run_of(rows.GROUPS[0])
        measuring = Measuring(run.settings, run.versions, Progress(1, io.StringIO()))
        run.left_out = measuring.left_out
        with main.spared(run, measuring, "a group"):
            raise processes.CommandFailed("the server died")
        self.assertEqual(run.broken, ["a group"])
        self.assertIn("a group: the server died", report.text(run))

    def test_who_spoke_tls_is_told_where_it_was_spoken(self):
        run = run_of(rows.GROUPS[0])
        self.assertIn("\n  OpenJDK 17; cipher engine: native\n", report.text(run))
        run.versions["tls"] = "boringssl"
        self.assertIn("\n  OpenJDK 17; cipher engine: native; TLS by boringssl\n", report.text(run))
        self.assertIn("\n  blockseal 0.1.0, fio 3.33\n", report.text(run))

    def test_run_without_a_single_result_is_still_told(self):
        run = run_of(rows.GROUPS[0], left_out=["all of it"])
        run.results.clear()
        self.assertIn("all of it", report.text(run))


class Saving(unittest.TestCase):
    def test_does_not_replace_a_page_of_the_same_day(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            names = []
            for _ in range(3):
                names.append(main.unused_name(folder, "2026-01-02"))
                (folder / f"{names[-1]}.md").touch()
            self.assertEqual(names, ["2026-01-02", "2026-01-02-b", "2026-01-02-c"])


class Choice(unittest.TestCase):
    def names(self, *wanted):
        return [row.name for group in rows.choose(wanted, list(rows.PEERS)) for row in group.rows]

    def test_a_whole_name_is_that_row_alone_and_a_part_is_all_that_have_it(self):
        self.assertEqual(self.names("randread-32"), ["randread-32"])
        self.assertIn("tcp-seqread-16", self.names("seq"))
        self.assertEqual(self.names("null"), ["null-randread-1", "null-randread-32", "null-seqread-16"])
        self.assertEqual(len(self.names()), sum(len(group.rows) for group in rows.GROUPS))

    def test_names_of_rows_are_unique(self):
        self.assertEqual(len(self.names()), len(set(self.names())))

    def test_a_peer_is_measured_only_where_it_belongs(self):
        self.assertEqual([group.peers for group in rows.choose(["null", "goal"], ["qemu-luks"])], [("qemu-luks",), ()])

    def test_short_is_the_first_table(self):
        chosen = options.parse(["--short"])
        self.assertEqual([group.name for group in chosen.groups], ["goal"])
        self.assertEqual((chosen.goal_rounds, chosen.no_start), (2, True))

    def test_mistakes_are_refused_with_the_reason(self):
        for words, reason in ((["--rows", "foo"], "foo"), (["--peers", "foo"], "foo"), (["--rounds", "0"], "1 or more"),
                              (["--size", "half"], "512M"), (["--save", "../x"], "slashes")):
            said = io.StringIO()
            with self.subTest(words), contextlib.redirect_stderr(said), self.assertRaises(SystemExit):
                options.parse(words)
            self.assertIn(reason, said.getvalue())

    def test_sizes_are_powers_of_1024(self):
        self.assertEqual([options.size(words) for words in ("4096", "3K", "512M", "2G")], [4096, 3072, 512 << 20, 2 << 30])


class Host(unittest.TestCase):
    def test_filesystem_is_that_of_the_longest_mount(self):
        self.assertEqual(host.filesystem("/proc")[0], "proc")


class Memory(unittest.TestCase):
    def test_of_images_is_taken_in_turn_and_spares_what_is_in_them(self):
        with tempfile.TemporaryDirectory() as folder:
            images = Images(pathlib.Path(folder), "5M", "launcher")
            for name, size in (("nbdkit-file", 5 << 20), ("qemu-raw", 1000)):
                (images.folder_of(name) / "demo.img").write_bytes(b"head" + bytes(size - 4))
            images.allocate_in_turn(["nbdkit-null", "nbdkit-file", "qemu-raw"])
            for name, size in (("nbdkit-file", 5 << 20), ("qemu-raw", 1000)):
                stat = images.image(name).stat()
                self.assertEqual(stat.st_size, size)
                self.assertGreaterEqual(stat.st_blocks * 512, size)
                self.assertEqual(images.image(name).read_bytes()[:4], b"head")


class Protection(unittest.TestCase):
    def test_every_server_of_the_tls_rows_is_told_to_require_it(self):
        group = next(group for group in rows.GROUPS if group.tls)
        with tempfile.TemporaryDirectory() as folder:
            images = Images(pathlib.Path(folder), "1M", "blockseal")
            address = Address(port=7, certificates=images.certificates)
            self.assertEqual(address.uri(), "nbds://localhost:7/demo")
            for name in ("blockseal", *group.peers):
                file = images.folder_of(name) / ("demo.bsl" if name == "blockseal" else "demo.img")
                file.touch()
                words = " ".join(map(str, images.command(name, address, False)))
                self.assertRegex(words, "--tls-mode required|--tls=require|--tls-creds tls", name)
                self.assertIn("/pki", words)
                self.assertNotIn("tls", " ".join(map(str, images.command(name, Address(port=7), False))))


class Readme(unittest.TestCase):
    def test_every_row_is_explained_to_readers(self):
        page = pathlib.Path(__file__).parents[3] / "docs" / "bench" / "README.md"
        text = page.read_text()
        for group in rows.GROUPS:
            for row in group.rows:
                self.assertIn(f"`{row.name}`", text)


if __name__ == "__main__":
    unittest.main()
