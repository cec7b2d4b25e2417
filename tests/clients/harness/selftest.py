"""The judges judged: each of these plants one thing that a run must notice. `run` begins with them."""

import io
import socket
import unittest
from types import SimpleNamespace

from . import haproxy, resp, survival, switches, verdict
from .faults import Failover, sequence
from .journal import Client

A, B, C = "h:1", "h:2", "h:3"
A_TO_B, B_TO_C = "g h 1 h 2", "g h 2 h 3"


def writer(*acks):
    client = Client.__new__(Client)
    client.name, client.version, client.errors = "w", "1", []
    client.ended_by_itself, client.garbled = None, []
    client.acks = [(at, seq) for seq, at in enumerate(acks, 1)]
    return client


def failover(kind="kill-server", began=10.0, switched=10.2):
    return Failover(1, kind, A, began=began, done=began + 0.01, switched=switched, new=B, whole=True)


class Switches(unittest.TestCase):
    def faults(self, *payloads, final=C, polled=(A, B, C)):
        return list(switches.chain_faults(payloads, "g", A, final, list(polled)))

    def test_one_message_for_each_switch_is_right(self):
        self.assertEqual(self.faults(A_TO_B, B_TO_C), [])

    def test_a_reign_too_short_to_be_polled_is_right(self):
        self.assertEqual(self.faults(A_TO_B, B_TO_C, polled=(A, C)), [])

    def test_a_double_is_seen(self):
        self.assertTrue(self.faults(A_TO_B, A_TO_B, B_TO_C))

    def test_a_missing_first_middle_or_last_message_is_seen(self):
        self.assertTrue(self.faults(B_TO_C))
        self.assertTrue(self.faults(A_TO_B, "g h 3 h 1", final=A, polled=(A, B, C, A)))
        self.assertTrue(self.faults(A_TO_B))

    def test_other_words_are_seen(self):
        for payload in ["g h 1 h 2 x", "g  h 1 h 2", "other h 1 h 2", "g h 1 h"]:
            self.assertTrue(self.faults(payload, final=B, polled=(A, B)), payload)

    def test_an_unannounced_primary_is_seen(self):
        self.assertTrue(self.faults("g h 1 h 3", polled=(A, B, C)))


class Survival(unittest.TestCase):
    def test_only_the_last_instants_before_a_crash_are_excused(self):
        crash = failover()
        self.assertIs(survival.excuse(9.95, [crash]), crash)
        self.assertIsNone(survival.excuse(9.85, [crash]))
        self.assertIsNone(survival.excuse(10.05, [crash]))

    def test_nothing_excuses_a_loss_in_a_handoff(self):
        self.assertIsNone(survival.excuse(9.99, [failover("handoff")]))

    def test_a_missing_and_a_changed_value_are_lost(self):
        connection = SimpleNamespace(ask=lambda *_: ["1", None, "9"])
        lost = survival.lost_of(connection, writer(1.0, 2.0, 3.0), [])
        self.assertEqual([one.key for one in lost], ["w:2", "w:3"])


class Verdict(unittest.TestCase):
    def row(self, *acks, end=20.0, **how):
        return verdict.row(writer(*acks), [failover(**how)], [], within=1.0, end=end)

    def test_a_client_that_writes_again_in_time_has_survived(self):
        row = self.row(9.9, 10.7, 10.8, end=11.0)
        self.assertEqual((row.survived, round(row.gaps[0], 3)), (1, 0.8))

    def test_one_that_is_late_silent_or_without_successor_has_not(self):
        self.assertEqual(self.row(9.9, 11.5).survived, 0)
        self.assertEqual(self.row(9.9).survived, 0)
        self.assertEqual(self.row(9.9, 10.1, 10.7, switched=0.0).survived, 0)

    def test_the_silence_at_the_end_is_a_gap_too(self):
        self.assertEqual(round(self.row(9.9).gaps[0], 1), 10.1)

    def test_each_flaw_is_a_reason(self):
        good, observer = self.row(9.9, 10.7), SimpleNamespace(disagreements=[])
        judge = lambda row=good, made=(failover(),), clients=(), seen=observer: list(
            verdict.failures([row], list(made), 1, {"w": []}, clients, seen, 1.0)
        )
        self.assertEqual(judge(), [])
        self.assertTrue(judge(row=self.row(9.9)))
        good_but_lost = verdict.row(writer(9.0, 10.7), [failover()], [survival.Lost("w:1", 9.0, None)], 1.0, 20.0)
        self.assertTrue(judge(row=good_but_lost))
        self.assertTrue(judge(made=[]))
        self.assertTrue(judge(made=[failover(switched=0.0)]))
        dead = writer()
        dead.ended_by_itself = 1
        self.assertTrue(judge(clients=[dead]))
        self.assertTrue(judge(seen=SimpleNamespace(disagreements=[(1.0, A, ["h", "1"], [["h", "2"]])])))


class Wire(unittest.TestCase):
    def read(self, data):
        connection = resp.Connection.__new__(resp.Connection)
        connection.reader = io.BytesIO(data)
        return connection.read()

    def test_every_kind_is_read(self):
        self.assertEqual(self.read(b"*4\r\n$1\r\na\r\n:7\r\n+OK\r\n$-1\r\n"), ["a", 7, "OK", None])
        self.assertIsInstance(self.read(b"-ERR no\r\n"), resp.ServerError)

    def test_a_cut_answer_is_not_an_answer(self):
        for data in [b"", b"+OK", b"$5\r\nab", b"!x\r\n"]:
            self.assertRaises(ConnectionError, self.read, data)


class Plan(unittest.TestCase):
    def test_twenty_failovers_hold_every_kind(self):
        kinds = sequence(20)
        self.assertEqual(len(kinds), 20)
        self.assertTrue(all(kinds.count(kind) >= 3 for kind in set(kinds)))
        self.assertEqual(len(set(kinds)), 5)

    def test_haproxys_ports_are_free(self):
        port = haproxy.free_ports(1)[0]
        with socket.create_server(("127.0.0.1", port)):
            pass


def passes():
    """True when all is well; otherwise what is not has been printed."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__, fromlist=["*"]))
    report = io.StringIO()
    result = unittest.TextTestRunner(stream=report).run(suite)
    if not result.wasSuccessful():
        print(report.getvalue())
    return result.wasSuccessful()
