"""What a face costs: scores by the faces drawn a second, for each sampler and number of steps."""

import pandas as pd
import streamlit as st

from dashboard import choose, data
from dashboard.charts import methods as charts
from dashboard.components.plotly_chart import plotly_chart
from dashboard.rows import rows_of
from dashboard.sections.methods_budget import choose_score, colours_of, labels_of, of_faces, score_column
from fergan_core.analysis import comparison
from fergan_core.metrics.catalogue import written


def show(chosen: pd.DataFrame) -> None:
    """The ways of drawing of the chosen runs' newest scored checkpoints."""
    scores = data.sampled_scores(tuple(chosen.id))
    timed = scores[scores.metric == "speed"]
    if timed.empty:
        st.info("No speed was recorded yet: `fergan evaluate RUN` records it, for several numbers of steps by:")
        st.code("fergan evaluate RUN --light --steps 1 2 4 8 18 50", language=None, wrap_lines=True)
        return
    scores = choose.one_protocol(scores[scores.evaluation.isin(timed.evaluation)])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        emotion = choose.faces()
        scores = of_faces(scores, emotion)
        metric = choose_score(scores, emotion)
    if metric is None:
        return
    run_ids_of = comparison.group_by_recipe(chosen, data.recipes(tuple(chosen.id)))
    table = samplings(scores, metric.key, labels_of(run_ids_of))
    on_front = comparison.front(list(-table.speed), list(table.value), metric.direction)
    table = table.assign(front=on_front)
    figure = charts.cost_figure(table, metric, colours_of(run_ids_of), dark=choose.dark())
    alt = f"{metric.title} over the faces drawn a second, for each sampler and number of steps"
    plotly_chart(figure, "cost figure", alt)
    st.caption(
        "Numbers: the sampler's steps; diamonds: guided; rings: the Pareto front, where nothing as fast is better. "
        "Faces a second depend on the machine that scored them: compare those of one machine."
    )
    ordered = table.sort_values("speed", ascending=False)
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    st.dataframe(
        pd.DataFrame(
            {
                "method": ordered.method,
                "way": ordered.way,
                "speed": ordered.speed,
                "value": [written(value, metric) for value in ordered.value],
                "front": ordered.front,
            }
        ),
        hide_index=True,
        width="stretch",
        height="content" if len(ordered) <= 12 else 460,
        alt="Each sampler with its speed and its score",
        column_config={
            "method": text("Method", width=choose.names_width(ordered.method), pinned=True),
            "way": text("Sampler", width=220),
            "speed": number("Faces a second", format="%.0f", width=110),
            "value": score_column(metric),
            "front": st.column_config.CheckboxColumn("Pareto front", width=100),
        },
    )


def samplings(scores: pd.DataFrame, key: str, names: dict[str, str]) -> pd.DataFrame:
    """Return one row per run and way of drawing, of its newest checkpoint so scored: method, run_id, how, way, steps,
    guided, speed, value. `how` is the way without its steps."""
    rows = scores[scores.emotion.isna() & scores.metric.isin([key, "speed"])]
    by = ["run_id", "step", "evaluation"]
    values = rows.pivot_table(index=by, columns="metric", values="value").dropna().reset_index()
    about = rows.drop_duplicates(by)[[*by, "sampler", "steps", "guidance"]]
    table = values.merge(about, on=by).rename(columns={key: "value"})
    table = table[table.step == table.groupby("run_id").step.transform("max")]
    table = table.assign(method=table.run_id.map(names), guided=table.guidance.notna() & table.guidance.ne(1))
    table = table.assign(how=[_how(row.sampler, row.guidance, row.guided) for row in rows_of(table)])
    in_words = [
        row.how if pd.isna(row.steps) else f"{row.how}, {int(row.steps)} step" + ("s" if row.steps > 1 else "")
        for row in rows_of(table)
    ]
    return table.assign(way=in_words).drop_duplicates(["run_id", "way"], keep="last").reset_index(drop=True)


def _how(sampler: str | None, guidance: float | None, guided: bool) -> str:
    if sampler is None:
        return "one pass"
    return f"{sampler}, guidance {guidance:g}" if guided else sampler
