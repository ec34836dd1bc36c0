"""Opens an address in the Chromium of a Qt WebEngine and prints what an expression gives once it gives something.

    PYTHON_WITH_QT tests/old_engine.py ADDRESS EXPRESSION

Run by a Python that has PyQt6-WebEngine (6.5 brings Chromium 108), which the development set has not: it is 200 MB, and
wanted where somebody tries the pages in an engine of that age. The name ``shop.example`` is this machine.
"""

import os
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = (
    '--no-sandbox --disable-gpu --host-resolver-rules="MAP shop.example 127.0.0.1" '
    + os.environ.get("OLD_ENGINE_FLAGS", "")
)

from PyQt6.QtCore import QTimer, QUrl  # type: ignore[import-not-found]
from PyQt6.QtWebEngineCore import (  # type: ignore[import-not-found]
    QWebEnginePage,
    QWebEngineProfile,
)
from PyQt6.QtWidgets import QApplication  # type: ignore[import-not-found]

EVERY = 200  # milliseconds


def main() -> int:
    app = QApplication(sys.argv[:1])
    profile = QWebEngineProfile()
    page = QWebEnginePage(profile)

    def said(value: object) -> None:
        if value:
            sys.stdout.write(f"{value}\n")
            app.quit()
        else:
            QTimer.singleShot(EVERY, ask)

    def ask() -> None:
        page.runJavaScript(sys.argv[2], said)

    page.loadFinished.connect(lambda _: ask())
    page.setUrl(QUrl(sys.argv[1]))
    code = app.exec()
    page.deleteLater()  # before its profile
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
