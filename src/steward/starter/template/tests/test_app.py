"""The service as a visitor meets it: a real server on a free port, asked over HTTP."""

from __future__ import annotations

import html
import http.client
import json
import threading
import unittest

from app.server import ROOT, Server, commit, make_server


class Served(unittest.TestCase):
    """Each test asks the same server."""

    server: Server
    thread: threading.Thread

    @classmethod
    def setUpClass(cls) -> None:
        """Serve on a free port."""
        cls.server = make_server("127.0.0.1", 0)
        cls.thread = threading.Thread(target=cls.server.serve_forever, args=(0.02,))
        cls.thread.start()

    @classmethod
    def tearDownClass(cls) -> None:
        """Stop, and wait for what is under way."""
        cls.server.shutdown()
        cls.thread.join()
        cls.server.server_close()

    def ask(self, path: str, method: str = "GET") -> tuple[http.client.HTTPResponse, str]:
        """The answer and its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_address[1], timeout=10)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response, response.read().decode()
        finally:
            connection.close()

    def test_it_is_up(self) -> None:
        response, body = self.ask("/up")
        self.assertEqual((response.status, body), (200, "ok"))

    def test_it_tells_the_commit_that_runs(self) -> None:
        response, body = self.ask("/version")
        self.assertEqual(response.status, 200)
        told = json.loads(body)
        self.assertEqual(told["commit"], commit())
        self.assertTrue(told["started_at"])

    def test_the_page_says_what_the_content_says(self) -> None:
        held = json.loads((ROOT / "content.json").read_text(encoding="utf-8"))
        response, body = self.ask("/")
        self.assertEqual(response.status, 200)
        texts = [held["title"], held["tagline"]]
        texts += [text for one in held["features"] for text in one.values()]
        texts += [one["text"] for one in held["news"]]
        for text in texts:
            self.assertIn(html.escape(text), body)

    def test_every_answer_is_protected(self) -> None:
        for path in ("/", "/up", "/static/style.css", "/nothing"):
            response, _body = self.ask(path)
            self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
            self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")

    def test_head_has_the_headers_and_no_body(self) -> None:
        response, body = self.ask("/", "HEAD")
        self.assertEqual((response.status, body), (200, ""))
        self.assertGreater(int(response.headers["Content-Length"]), 500)

    def test_what_is_not_there_is_not_found(self) -> None:
        for path in ("/nothing", "/static/../server.py", "/static/%2e%2e/server.py", "/content.json"):
            response, body = self.ask(path)
            self.assertEqual(response.status, 404, path)
            self.assertIn("<h1", body)

    def test_nothing_can_be_sent(self) -> None:
        response, _body = self.ask("/", "POST")
        self.assertEqual((response.status, response.headers["Allow"]), (405, "GET, HEAD"))


if __name__ == "__main__":
    unittest.main()
