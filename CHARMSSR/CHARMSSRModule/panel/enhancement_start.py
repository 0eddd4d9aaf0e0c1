"""From the panel's parameters to a running enhancement."""

from ..jobs.keywords import keywordsFromParameters


def startedJob(logic, parameters, denoise):
    """A job with what the panel says.

    Raises:
        ValueError, RuntimeError: of ``CHARMSSRLogic.process``.
    """
    from CHARMSSRLib.settings import EnhancementSettings

    return logic.process(
        parameters.inputVolume,
        parameters.outputVolume,
        maskNode=parameters.maskNode,
        denoise=denoise,
        quality="best" if parameters.bestQuality else "plain",
        waitForCompletion=False,
        **keywordsFromParameters(EnhancementSettings, parameters),
    )
