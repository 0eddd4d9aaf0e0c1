"""Qt as PythonQt shows it: no more forgiving than the real application."""

import pytest

pytestmark = pytest.mark.usefixtures("slicerHost")


@pytest.fixture
def qt(slicerHost):
    import qt

    return qt


def test_properties_are_attributes_and_not_methods(qt):
    label = qt.QLabel("before")
    label.text = "after"
    assert label.text == "after"
    with pytest.raises(TypeError, match="not callable"):
        label.text()
    box = qt.QComboBox()
    box.addItem("one")
    assert (box.count, box.currentIndex, box.currentText) == (1, 0, "one")


def test_getters_of_another_name_and_setters_stay_methods(qt):
    button = qt.QPushButton("Go")
    button.setEnabled(False)
    assert button.isEnabled() is False and button.enabled is False


def test_an_unknown_attribute_can_neither_be_read_nor_set(qt):
    button = qt.QPushButton("Go")
    with pytest.raises(AttributeError, match="QPushButton has no attribute named 'caption'"):
        button.caption  # noqa: B018
    with pytest.raises(AttributeError, match="creating new attributes on C\\+\\+ objects is not allowed"):
        button.caption = "Go"
    with pytest.raises(AttributeError, match="can not be overwritten"):
        button.click = None


def test_a_python_subclass_may_have_attributes_of_its_own(qt):
    class Own(qt.QPushButton):
        def __init__(self):
            super().__init__("Go")
            self.caption = "mine"

    own, clicks = Own(), []
    own.connect("clicked()", lambda: clicks.append(own.caption))
    own.click()
    assert clicks == ["mine"]


@pytest.mark.parametrize("name, value", [("enabled", None), ("enabled", "yes"), ("text", None), ("text", object())])
def test_a_property_refuses_a_value_of_a_wrong_kind(qt, name, value):
    with pytest.raises(AttributeError, match="does not accept an object of type"):
        setattr(qt.QPushButton(), name, value)


def test_name_is_object_name_and_finds_children(qt):
    widget = qt.QWidget()
    layout = qt.QVBoxLayout(widget)
    child = qt.QCheckBox("x")
    child.name = "choice"
    layout.addWidget(child)
    assert child.objectName == "choice"
    assert widget.choice is child
    assert widget.findChildren("QCheckBox") == [child] == widget.findChildren(qt.QCheckBox, "choice")
    assert isinstance(child, qt.QWidget) and issubclass(qt.QCheckBox, qt.QWidget)


def test_connect_needs_the_exact_signature(qt):
    box, seen = qt.QCheckBox("x"), []
    assert box.connect("stateChanged(int)", seen.append) is True
    for wrong in ("stateChanged()", "stateChanged(QString)", "nothing()"):
        with pytest.raises(ValueError, match="does not exist on QCheckBox"):
            box.connect(wrong, seen.append)
    box.checked = True
    assert seen == [2]


def test_a_slot_gets_no_more_arguments_than_it_takes(qt):
    button, seen = qt.QPushButton(), []
    button.connect("clicked(bool)", lambda: seen.append("none"))
    button.connect("clicked(bool)", lambda checked: seen.append(checked))
    button.connect("clicked(bool)", lambda *all: seen.append(all))
    button.click()
    assert seen == ["none", False, (False,)]


def test_disconnect_undoes_connect_by_its_callable(qt):
    button, seen = qt.QPushButton(), []

    def first():
        seen.append(1)

    button.connect("clicked()", first)
    button.connect("clicked()", lambda: seen.append(2))
    assert button.disconnect("clicked()", first) is True
    assert button.disconnect("clicked()", first) is False
    button.click()
    assert seen == [2]


def test_enumerations_are_flat(qt):
    assert qt.QProcess().state() == qt.QProcess.NotRunning
    assert qt.Qt.AlignLeft | qt.Qt.AlignTop
    with pytest.raises(AttributeError):
        qt.QProcess.ProcessState.NotRunning  # noqa: B018
    with pytest.raises(AttributeError):
        qt.Qt.AlignmentFlag.AlignLeft  # noqa: B018


def test_the_single_shot_function_is_not_hidden_by_the_property(slicerHost, qt):
    fired = []
    qt.QTimer.singleShot(0, lambda: fired.append(True))
    slicerHost.processEvents(0.05)
    assert fired == [True]
    with pytest.raises(AttributeError):
        qt.QTimer().singleShot = True


def test_signals_can_not_be_defined(qt):
    with pytest.raises(AttributeError):
        qt.Signal  # noqa: B018


def test_a_process_tells_what_it_prints_and_how_it_ends(slicerHost, qt):
    process, output, ends = qt.QProcess(), [], []
    process.connect("readyReadStandardOutput()", lambda: output.append(process.readAllStandardOutput().data()))
    process.connect("finished(int,QProcess::ExitStatus)", lambda code, status: ends.append((code, status)))
    process.start("PythonSlicer", ["-c", "import sys; print('hello'); sys.exit(3)"])
    assert slicerHost.waitUntil(lambda: ends)
    assert b"".join(output).split() == [b"hello"]
    assert ends == [(3, qt.QProcess.NormalExit)]


def test_an_error_in_a_slot_is_kept(slicerHost, qt):
    button = qt.QPushButton()
    button.connect("clicked()", lambda: 1 / 0)
    button.click()
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        slicerHost.raiseErrors()


def test_very_many_calls_do_not_use_up_none(slicerHost, qt):
    """PySide6 takes a reference from None at each void call: without the workaround this ends the process."""
    label = qt.QLabel()
    for _ in range(30000):
        label.update()
    assert label.parent() is None


def test_the_truth_of_an_object_is_what_qt_says_of_its_emptiness_validity_or_nullness(qt):
    falsy = [
        qt.QVBoxLayout(),
        qt.QFormLayout(),
        qt.QGridLayout(),
        qt.QMenu(),
        qt.QUrl(),
        qt.QByteArray(),
        qt.QColor(),
        qt.QIcon(),
        qt.QPixmap(),
        qt.QSize(0, 4),
        qt.QPoint(0, 0),
        qt.QRect(),
        qt.QDateTime(),
        qt.QModelIndex(),
        qt.QTextDocument(),
        qt.QKeySequence(),
        qt.QProcessEnvironment(),
        qt.QTextCursor(),
    ]
    assert [type(each).__name__ for each in falsy if each] == []
    menu = qt.QMenu()
    menu.addAction("Open")
    widget = qt.QWidget()
    layout = qt.QVBoxLayout(widget)
    layout.addWidget(qt.QLabel())
    truthy = [
        layout,
        menu,
        widget,
        qt.QLabel(),
        qt.QComboBox(),
        qt.QListWidget(),
        qt.QUrl("file:///a"),
        qt.QByteArray(b"a"),
        qt.QColor("red"),
        qt.QSize(3, 4),
        qt.QPoint(0, 1),
        qt.QObject(),
        qt.QProcess(),
    ]
    assert [type(each).__name__ for each in truthy if not each] == []
    layout.removeWidget(layout.itemAt(0).widget())
    assert not layout


def test_a_widget_that_qt_has_deleted_is_false(slicerHost, qt):
    label = qt.QLabel("going")
    label.deleteLater()
    slicerHost.processEvents()
    assert not label
