"""Twin runs beside other preload libraries."""

from .twin import outcome


def same(agent, bare_preload, traced_preload, *command, **variables):
    """Runs with the two LD_PRELOADs; returns what they have in common."""
    bare = outcome(agent.run(*command, environment=agent.bare_environment(LD_PRELOAD=bare_preload, **variables)), agent)
    traced = outcome(agent.run(*command, environment=agent.bare_environment(LD_PRELOAD=traced_preload, **variables)), agent)
    assert traced == bare
    return bare
