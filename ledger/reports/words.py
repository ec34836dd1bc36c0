"""The words of a report's charts, in the three languages; everything else in a report is named as in its document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "title": "After-sales service, {period}",
        "desc": "{origin}, {size} leaves, as of {as_of}. {cases} cases.",
        "all": "all time",
        "trend": "Cases by {step}",
        "limits": "Within the limits, of those judged",
        "resolution": "Resolved, of those not withdrawn",
        "satisfaction": "Customers' rating, of five stars",
        "groups": "Cases by {by}",
        "month": "month",
        "quarter": "quarter",
        "year": "year",
        "nothing": "no figure",
        "more": "and {count} more",
    },
    "zh-Hans": {
        "title": "售后服务，{period}",
        "desc": "{origin}，共 {size} 条，截至 {as_of}。{cases} 个服务单。",
        "all": "全部时间",
        "trend": "服务单（按{step}）",
        "limits": "按时完成（占已判定）",
        "resolution": "已解决（不计撤回）",
        "satisfaction": "顾客评分（满分五星）",
        "groups": "服务单（按 {by}）",
        "month": "月",
        "quarter": "季度",
        "year": "年",
        "nothing": "无数据",
        "more": "另有 {count} 项",
    },
    "zh-Hant": {
        "title": "售後服務，{period}",
        "desc": "{origin}，共 {size} 筆，截至 {as_of}。{cases} 件服務案。",
        "all": "全部時間",
        "trend": "服務案（按{step}）",
        "limits": "按時完成（占已判定）",
        "resolution": "已解決（不計撤回）",
        "satisfaction": "顧客評分（滿分五星）",
        "groups": "服務案（按 {by}）",
        "month": "月",
        "quarter": "季度",
        "year": "年",
        "nothing": "無資料",
        "more": "另有 {count} 項",
    },
}
