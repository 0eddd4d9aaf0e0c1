"""The worker as a process of Qt: bytes go in, messages and log lines come out, and it ends once."""

import qt

STOP_TIMEOUT_MS = 1000
KEPT_LOG_LINES = 40


def encodeMessage(kind, identifier="", **fields):
    """A message to the worker as a line of bytes."""
    from CHARMSSRLib.worker.protocol import encode

    return encode(kind, identifier, **fields)


class WorkerProcess:
    """A process that speaks the worker's protocol.

    Args:
        command: of workerCommand().
        listener: object whose ``onMessage(message)`` is called with each message, ``onFailedToStart(details)`` if the
            program can't be run, and ``onFinished(exitCode, crashed)`` when it has ended; none of them after
            ``letGo()``.

    Attributes:
        log: the last lines that were no messages.
    """

    def __init__(self, command, listener):
        from CHARMSSRLib.worker.protocol import MessageStream

        self.program = command.program
        self.log = []
        self._arguments = command.arguments
        self._listener = listener
        self._stream = MessageStream()  # the library's own, so that both ends speak one protocol
        self._process = qt.QProcess()
        self._process.setProcessEnvironment(command.environment)
        self._process.setWorkingDirectory(command.folder)
        self._process.connect("readyReadStandardOutput()", self._onOutput)
        self._process.connect("readyReadStandardError()", self._onLog)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._onProcessError)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._onFinished)

    @property
    def processId(self):
        """Id of the process for the system, or 0."""
        return int(self._process.processId())

    def start(self):
        """Run the program; what becomes of it is told to the listener."""
        self._process.start(self.program, self._arguments)

    def send(self, message):
        """Write a line of encodeMessage()."""
        self._process.write(message)

    def kill(self):
        """End it at once; the listener hears of its end."""
        self._process.kill()

    def keepLog(self, lines):
        """Remember lines for the details of an error."""
        self.log = (self.log + [line for line in lines if line.strip()])[-KEPT_LOG_LINES:]

    def letGo(self):
        """Hear no more of it."""
        if self._listener is None:
            return
        self._listener = None
        self._process.disconnect("readyReadStandardOutput()", self._onOutput)
        self._process.disconnect("readyReadStandardError()", self._onLog)
        self._process.disconnect("errorOccurred(QProcess::ProcessError)", self._onProcessError)
        self._process.disconnect("finished(int,QProcess::ExitStatus)", self._onFinished)
        # This may run in one of its signals, and an object must not be deleted while it emits.
        _retired.append(self)
        qt.QTimer.singleShot(0, _retired.clear)

    def shutDown(self, atOnce):
        """End it from here: ask, wait a second, then kill; or kill at once."""
        self._process.write(encodeMessage("shutdown"))
        self._process.closeWriteChannel()
        if atOnce or not self._process.waitForFinished(STOP_TIMEOUT_MS):
            self._killAndWait()

    def killIfRunning(self):
        """End what can't become ready."""
        if self._process.state() != qt.QProcess.NotRunning:
            self._killAndWait()

    def _killAndWait(self):
        self._process.kill()
        self._process.waitForFinished(STOP_TIMEOUT_MS)

    # What it says

    def _onOutput(self):
        if self._listener is None:
            return
        for message in self._stream.feed(self._process.readAllStandardOutput().data()):
            if self._listener is not None:  # the message before may have been the last one wanted
                self._listener.onMessage(message)
        self.keepLog(self._stream.strange_lines)
        self._stream.strange_lines = []

    def _onLog(self):
        if self._listener is not None:
            text = self._process.readAllStandardError().data()
            self.keepLog(bytes(text).decode("utf-8", errors="replace").splitlines())

    def _onProcessError(self, error):
        if self._listener is not None and error == qt.QProcess.FailedToStart:
            self._listener.onFailedToStart(self._process.errorString())

    def _onFinished(self, exitCode, exitStatus):
        self._onOutput()  # what it said last may be the reason
        self._onLog()
        if self._listener is not None:
            self._listener.onFinished(exitCode, exitStatus == qt.QProcess.CrashExit)


_retired = []
