"""What is a kind of what, by names; and what is surely something else."""

import math

import pytest

from mep3m.alignment.names.kinds import hierarchy, kinship, read_kinds


def akin(left: str, right: str) -> tuple[float, float, float]:
    """Return the kinship of two categories, each `name` or `parent>name`."""
    ours, theirs = ((*("", *of.split(">"))[-2:],)[::-1] for of in (left, right))
    return kinship((ours[0], ours[1]), (theirs[0], theirs[1]))


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("面霜", "护肤"),
        ("手机壳", "手机配件"),
        ("苹果手机壳", "手机配件"),
        ("花茶", "茶叶"),
        ("游戏本", "笔记本电脑"),
        ("男士衬衫", "男装"),
        ("男装>衬衫", "男装"),
        ("饼干/糖果", "休闲零食"),
        ("男士面霜", "男士护肤"),
        ("中性笔", "笔"),
        ("Facial masks", "Skin care"),
        ("Sofas", "家具"),
    ],
)
def test_a_kind_lies_within_its_class_and_not_the_other_way_round(inner: str, outer: str) -> None:
    assert akin(inner, outer) == (1, 0, 0)
    assert akin(outer, inner) == (0, 1, 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("手机", "手机壳"),
        ("手机", "智能手表"),
        ("电视", "电视柜"),
        ("男士衬衫", "女装"),
        ("猫粮", "狗粮"),
        ("充电器", "充电宝"),
        ("中性笔", "钢笔"),
        ("Vitamins", "Ginseng"),
    ],
)
def test_two_known_things_that_nothing_joins_are_apart(one: str, other: str) -> None:
    assert akin(one, other)[2] == 1
    assert akin(one, other) == akin(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("茗茶", "茶叶"), ("洁面", "洗面奶"), ("男装>衬衫", "男士衬衫"), ("平板电视", "彩电")]
)
def test_two_names_of_one_thing_are_neither_apart_nor_within_each_other(one: str, other: str) -> None:
    assert akin(one, other) == (0, 0, 0)


def test_of_names_that_are_in_no_class_nothing_is_known() -> None:
    assert all(math.isnan(value) for value in akin("量子纠缠", "护肤"))
    assert all(math.isnan(value) for value in akin("", "护肤"))


def test_half_of_a_joined_name_may_be_a_kind() -> None:
    assert akin("面霜/冰箱", "护肤")[:2] == (0.5, 0)


def test_classes_are_read_with_other_names_sums_and_what_words_say() -> None:
    known = read_kinds("# words\n男装 = 男\n冷饮 饮料 : 汽水 男+果汁\n")
    assert {len(word) for word in known.above} == {1, 2}
    assert len(known.saying) == 1
    (soda,) = (word for word, of in known.above.items() if len(of) == 2 and len(word) == 1)
    assert len(list(known.upwards(soda))) == 2


def test_no_class_of_the_package_lies_within_itself() -> None:
    known = hierarchy()
    for word, above in known.above.items():
        assert word not in above
    assert len(known.above) > 800


#: pairs of the trade, a kind and its class
TRADE = [
    ("充电器", "手机配件"),
    ("数据线", "手机配件"),
    ("钢化膜", "手机膜"),
    ("皮套", "手机壳"),
    ("u盘", "存储设备"),
    ("硬盘", "存储设备"),
    ("游戏本", "电脑"),
    ("服务器", "电脑"),
    ("显卡", "电脑配件"),
    ("主板", "电脑配件"),
    ("键盘", "外设产品"),
    ("鼠标", "外设产品"),
    ("路由器", "网络设备"),
    ("网卡", "网络设备"),
    ("打印机", "办公设备"),
    ("碎纸机", "办公设备"),
    ("墨盒", "打印耗材"),
    ("硒鼓", "打印耗材"),
    ("蓝牙耳机", "耳机"),
    ("智能手表", "智能设备"),
    ("镜头", "摄影摄像"),
    ("冰箱", "大家电"),
    ("空调", "大家电"),
    ("电饭煲", "厨房小电"),
    ("豆浆机", "厨房小电"),
    ("烤箱", "厨房小电"),
    ("油烟机", "厨卫大电"),
    ("吸尘器", "清洁电器"),
    ("扫地机器人", "清洁电器"),
    ("电吹风", "个护电器"),
    ("剃须刀", "个护电器"),
    ("沙发", "家具"),
    ("餐椅", "家具"),
    ("衣柜", "家具"),
    ("电视柜", "家具"),
    ("书桌", "家具"),
    ("枕头", "床上用品"),
    ("被子", "床上用品"),
    ("床单", "床上用品"),
    ("炒锅", "锅具"),
    ("汤锅", "锅具"),
    ("筷子", "餐具"),
    ("勺子", "餐具"),
    ("马克杯", "水具"),
    ("吊灯", "灯具"),
    ("台灯", "灯具"),
    ("花瓶", "家饰"),
    ("拖把", "清洁用品"),
    ("洗衣液", "衣物清洁"),
    ("纸巾", "纸品"),
    ("雨伞", "雨具"),
    ("锤子", "手动工具"),
    ("电钻", "电动工具"),
    ("花盆", "园艺"),
    ("女士连衣裙", "女装"),
    ("女士衬衫", "女装"),
    ("男士夹克", "男装"),
    ("男士西装", "男装"),
    ("文胸", "内衣"),
    ("睡衣", "内衣"),
    ("围巾", "服饰配件"),
    ("帽子", "服饰配件"),
    ("凉鞋", "鞋"),
    ("拖鞋", "鞋"),
    ("女士凉鞋", "女鞋"),
    ("男士皮鞋", "男鞋"),
    ("跑步鞋", "运动鞋"),
    ("拉杆箱", "箱包"),
    ("钱包", "箱包"),
    ("项链", "珠宝"),
    ("戒指", "珠宝"),
    ("太阳镜", "眼镜"),
    ("面膜", "护肤"),
    ("精华", "护肤"),
    ("眼霜", "护肤"),
    ("口红", "彩妆"),
    ("眼影", "彩妆"),
    ("口红", "唇部彩妆"),
    ("洗发水", "个人护理"),
    ("牙膏", "口腔护理"),
    ("卫生巾", "女性护理"),
    ("饼干", "休闲零食"),
    ("薯片", "休闲零食"),
    ("巧克力", "糖果"),
    ("核桃", "坚果"),
    ("果汁", "饮料"),
    ("矿泉水", "饮料"),
    ("咖啡", "水饮冲调"),
    ("绿茶", "茶叶"),
    ("红茶", "茶叶"),
    ("白酒", "酒"),
    ("啤酒", "酒"),
    ("威士忌", "洋酒"),
    ("大米", "粮油"),
    ("面粉", "粮油"),
    ("橄榄油", "食用油"),
    ("酱油", "调味品"),
    ("方便面", "方便食品"),
    ("酸奶", "乳制品"),
    ("苹果", "水果"),
    ("草莓", "水果"),
    ("土豆", "蔬菜"),
    ("牛肉", "肉类"),
    ("三文鱼", "海鲜"),
    ("饺子", "速冻食品"),
    ("鱼油", "保健品"),
    ("人参", "滋补品"),
    ("奶瓶", "喂养用品"),
    ("尿布", "母婴用品"),
    ("积木", "玩具"),
    ("拼图", "玩具"),
    ("吉他", "乐器"),
    ("二胡", "民族乐器"),
    ("哑铃", "健身器材"),
    ("跑步机", "健身器材"),
    ("帐篷", "户外装备"),
    ("头盔", "骑行装备"),
    ("泳镜", "游泳"),
    ("鱼竿", "垂钓"),
    ("钢笔", "书写工具"),
    ("铅笔", "笔类"),
    ("小说", "图书"),
    ("漫画", "图书"),
    ("行车记录仪", "车载电器"),
    ("机油", "维修保养"),
    ("猫粮", "宠物主粮"),
    ("狗粮", "宠物主粮"),
    ("猫砂", "猫咪用品"),
    ("血压计", "医疗器械"),
    ("轮椅", "医疗器械"),
    ("Dresses", "服装"),
    ("Pillows", "床上用品"),
    ("Refrigerators", "家电"),
    ("Sofas", "Furniture"),
    ("Necklaces", "Jewelry"),
    ("Guitars", "乐器"),
    ("Cat litter", "猫咪用品"),
    ("Beer", "酒"),
    ("Shampoo", "个人护理"),
]


@pytest.mark.parametrize(("inner", "outer"), TRADE)
def test_the_trade_is_known(inner: str, outer: str) -> None:
    assert akin(inner, outer) == (1, 0, 0)
