"""Which encoding bytes are in: known for sure, or refused with the option that names it.

GB 18030 gives nearly all bytes a meaning, so that bytes decode in it says nothing. What says something is
how often the everyday characters of Chinese come out: two of three in product titles of ten shops, one
of five where bytes of another language are read so. See decision 163.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: simplified characters that are frequent in Chinese texts, and in titles of products
_EVERYDAY = """
的一是了我不人在他有这个上们来到时大地为子中你说生国年着就那和要她出也得里后自以会家可下而过天去能对小多然于心学么之都好看起发
当没成只如事把还用第样道想作种开美总从无情己面最女但现前些所同日手又行意动方期它头经长儿回位分爱老因很给名法间斯知世什两次使身
者被高已亲其进此话常与活正感见明问力理尔点文几定本公特做外孩相西果走将月十实向声车全信重三机工物气每并别真打太新比才便再书部水像
眼等体加电主界门利海受听表德少克代员许先口由安性马光白或住难望教命花结乐色更拉东神记处让母父应直字场平报友关放至张认接告入笑内英
军候民何度山觉路带万男边风解叫任金快原吃通立象数四失满战远格士音轻目条病始达深完今提求清王化空业思切非找片钱吗语元喜离飞科言干流
欢约各即指合反题必该论交终林请医晚制球决画保读运及则房早院量苦火布品近坐产答星精视五连司奇管类未朋且夜青北队久越落尽形影红百周吧
识步市半热送兴造谈容极随收首根讲整式取照办强石古华六七八九零号南院城设计
食饮料茶酒奶粉糖蔬菜肉鱼虾蛋米油盐酱醋饼坚巧力咖啡汁瓶装盒袋箱包邮件套组款码尺寸厘斤升毫双衣服裤裙鞋帽袜衫恤羽绒棉麻丝绸皮革
毛纯黑灰蓝绿黄紫橙棕银童婴宝孕妈冬春秋夏季韩版欧进洲正旗舰店专柜爆销促价批居厨卫浴床单被罩枕毯窗帘沙椅柜架灯吊顶台壁纳洗液刷护肤
膜霜乳华眼线香发露脑板笔充器据壳屏键盘鼠标显示存硬相镜三脚配胎座垫摩托自跑篮足乒乓泳钓户帐篷背登籍具钢纸玩积木娃模型遥控宠狗粮猫
砂罐园艺盆螺刀钻珠首饰项链戒环镯表药健维素钙蛋冰调微波炉饭煲豆浆榨扇湿净吸尘陶瓷玻璃锈塑竹铁铝号短宽窄厚薄圆防滑晒臭静便携折叠
智线全端尚简约复典装卡性修松显瘦搭闲商务苹富整散龙鲜熟腊腿肠辣甜酸咸营养儿礼定透适加大容速超特美仕官优惠赠买抢清仓正品原味组系列
尼牛仔裤运休鞋靴凉拖布蕾雪纺针织短袖长领连外套西背心马甲内睡保暖打底文胸唇妆面补喷霜洁甲沐浴牙膏刷巾纸湿尿裤成人辅喂嘴推车安座
手提斜挎钱夹拉杆旅行李带伞帽手套围墨太阳眼框视频音响耳麦话筒记忆路由网络交换机打印复耗材办桌会议文件夹笔册剪胶水装订油漆涂料
润舒缓参树野草份柔爽藏灵芝悦颜凝淡白补锁云南川北京广东州海沪港深级版款枚粒株只支条片张本册台部辆个把串对双件盆束捆包罐桶听瓶杯碗碟
开关插座电池源灯泡管阀门锁五金工业仪测量医疗械治疗剂片丸颗粒胶囊口服注射针导管敷贴套件缝合植支架骨科牙呼吸监护检验试盒血糖压体温计
""".replace("\n", "")
#: traditional characters that are as frequent; titles in Hong Kong's and Taiwan's script can be GB 18030 too
_TRADITIONAL = """
們個來國時說會對發後過麼開閒學樣經實點與機這電長門問間關見頭現動業產於無當進種為應體裡還從條線紅綠藍黃飲飯雞魚麵鹽醬
車馬書員認記親語話讀號買賣貨質購雙單層裝備調養護療藥運氣纖維麗絲織綿絨褲裙襪鞋帽衛淨濕熱涼風乾濾噴燈鏡針銀鐵鋁鋼鍋盤筆紙畫
兒嬰寶媽愛龍鳳東萬歲億兩幾嚴選優惠專櫃館賠價錢禮盒組顏節臺灣廠區總統級別設計試驗視頻網絡聯繫傳輸連結資訊數據腦鍵滑鼠
""".replace("\n", "")
_COMMON = frozenset(_EVERYDAY + _TRADITIONAL)
NEUTRAL, HANZI, EVERYDAY, STRANGE = range(4)
#: lines that are looked at together
BLOCK_LINES = 512


@lru_cache(maxsize=1)
def _kinds() -> NDArray[np.uint8]:
    """Return what each UTF-16 unit says, (0x10000,): nothing, rare or everyday Chinese, other script."""
    kinds = np.full(0x10000, STRANGE, np.uint8)
    kinds[:0x80] = NEUTRAL
    for point in range(0x80, 0x10000):
        # two units are a pictograph; four bytes in GB 18030, which no other encoding looks like
        if (kind := unicodedata.category(chr(point)))[0] in "PSNZ" or kind == "Cs":
            kinds[point] = NEUTRAL
    trails = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    for encoding, leads in (("gb2312", range(0xB0, 0xF8)), ("big5", range(0xA4, 0xC7))):  # in daily use
        content = bytes(byte for lead in leads for trail in trails for byte in (lead, trail))
        for character in content.decode(encoding, "ignore"):
            if "\u4e00" <= character <= "\u9fff":
                kinds[ord(character)] = HANZI
    for character in _COMMON:
        kinds[ord(character)] = EVERYDAY
    return kinds


def count_kinds(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return how many rare, everyday and strange characters each text holds, (n, 3); no line breaks."""
    if not texts:
        return np.zeros((0, 3), np.int64)
    units, starts = _units("\n".join(texts))
    kinds = _kinds()[units]
    counts = [np.add.reduceat(kinds == kind, starts, dtype=np.int64) for kind in (HANZI, EVERYDAY, STRANGE)]
    return np.stack(counts, axis=1)


def _units(text: str) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
    """Return the UTF-16 units of a text and where each of its lines begins; a pair says nothing."""
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass") + b"\n\0", np.uint16)
    starts = np.flatnonzero(units == ord("\n"))  # where each line ends
    starts[1:] = starts[:-1] + 1
    starts[0] = 0
    return units, starts


#: evidence for Chinese that one rare, everyday or strange character gives: logarithms of how much more often
#: it stands in Chinese titles than in other languages read as GB 18030 (measured; see decision 163)
_WEIGHTS = np.array([-1.0, 1.25, -2.0])
#: evidence that is sure: odds of 20 to 1
SURE = 3.0


@lru_cache(maxsize=1)
def _quarters() -> NDArray[np.int8]:
    """Return the evidence that each UTF-16 unit gives, (0x10000,), in quarters: whole numbers are fast."""
    return np.concatenate([[0.0], 4 * _WEIGHTS]).astype(np.int8)[_kinds()]


#: a letter of another alphabet inside a word: "Gr" + U+9EB4 + "ne" is Latin-1
_INSIDE_WORD = re.compile("[A-Za-z]([^\x00-\x7f]{1,2})(?:[a-z]|\\b)")
#: what the person is asked about; of those that give the same text, the first is named
_SUGGESTED = (
    "big5", "shift_jis", "euc_jp", "euc_kr", "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "iso8859_7",
    "iso8859_2", "cp1254", "cp1255", "cp1256", "cp874", "mac_roman",
)  # fmt: skip
#: lines by which they are told apart, how messy a text may be, and how much messier than the best
_SUGGESTION_LINES, _MESSY, _NEARLY = 200, 0.4, 0.03


def is_chinese(lines: Sequence[bytes]) -> bool:
    """Whether lines that are not ASCII are for sure Chinese in GB 18030."""
    texts = [text for line in lines if (text := _decoded(line, "gb18030")) is not None]
    if 2 * len(texts) < len(lines) or not texts:
        return False
    evidence = count_kinds(texts) @ _WEIGHTS
    return float(evidence.sum()) >= SURE


def doubtful(text: str) -> NDArray[np.bool_]:
    """Say which lines of a text in GB 18030 are likely in another encoding, (n,).

    `text` is decoded, LF between its lines. A line is where everyday characters are as rare in it as in other
    languages, where a strange letter stands inside a word, and where its bytes are UTF-8 that means Chinese.
    """
    units, starts = _units(text)
    evidence = np.add.reduceat(_quarters().take(units, mode="clip"), starts, dtype=np.int32)
    near = np.flatnonzero(evidence < 4 * SURE)  # most lines are beyond doubt
    doubted = np.zeros(len(starts), dtype=bool)
    if not len(near):
        return doubted
    lines = text.split("\n")
    counts = count_kinds([lines[place] for place in near.tolist()])
    total, everyday = counts.sum(axis=1), counts[:, 1]
    doubted[near] = (counts @ _WEIGHTS < -1.5) & (everyday < 0.34 * total) & (total >= 4)
    for place, (rare, common, strange) in zip(near.tolist(), counts.tolist(), strict=True):
        if common < 2 and rare + strange:
            marks = (match[1][0] for match in _INSIDE_WORD.finditer(lines[place]))
            doubted[place] |= any(mark not in _COMMON for mark in marks)
        if strange:
            doubted[place] |= any(
                character >= "\u2e80" for character in _decoded(lines[place].encode("gb18030"), "utf-8") or ""
            )
    return doubted


def suggestion(lines: Sequence[bytes]) -> str:
    """Return ` (it reads as big5: '...')`, or up to three encodings that fit as well, else nothing."""
    from charset_normalizer import from_bytes

    lines = lines[:_SUGGESTION_LINES]
    matches = from_bytes(
        b"\n".join(lines),
        cp_isolation=list(_SUGGESTED),
        threshold=1.0,
        preemptive_behaviour=False,
        enable_fallback=False,
    )
    limit = min([_MESSY, *(match.chaos + _NEARLY for match in matches)])
    fit = sorted((match.chaos, -match.coherence, match) for match in matches if match.chaos <= limit)[:3]
    names = [min((one.encoding for one in (best, *best.submatch)), key=_SUGGESTED.index) for *_, best in fit]
    read = [[_decoded(line, name) or "" for name in names] for line in lines]
    told = next((texts for texts in read if len(set(texts)) == len(names)), read[0])
    shown = [f"as {name}: '{' '.join(text.split())[:40]}'" for name, text in zip(names, told, strict=True)]
    return f" (it reads {' or '.join(shown)})" if shown else ""


def wide_encoding(head: bytes) -> str | None:
    """Return the encoding of two or four bytes a character that a byte order mark says, else `None`."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return None


def decode_text(content: bytes) -> str:
    """Return the text of a small file: UTF-8 or, after its byte order mark, UTF-16.

    Raises:
        UnicodeDecodeError: it is neither.
    """
    return content.decode(wide_encoding(content[:4]) or "utf-8-sig")


def decodes(content: bytes, encoding: str = "utf-8") -> bool:
    """Say whether bytes can be read in an encoding."""
    return _decoded(content, encoding) is not None


def _decoded(line: bytes, encoding: str) -> str | None:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None
